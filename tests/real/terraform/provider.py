"""A Terraform provider made of a schema: it plans and creates without a cloud, by Terraform's plugin protocol 6.

Terraform itself checks types, names and requirements by the schema; what a real provider checks beyond it is not checked.
"""

import json
import os
from concurrent import futures

import grpc
import msgpack
import tfplugin6_pb2 as wire
import tfplugin6_pb2_grpc as service

from world import UNKNOWN, Refused, World, dynamic

NO_LIMIT = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1)]


class Providers:
    """All providers, each on a port of its own of 127.0.0.1."""

    def __init__(self, schemas: dict[str, dict]):
        self._providers = {source: Provider(source, schema) for source, schema in schemas.items()}
        self._servers = []
        attached = {}
        for source, provider in self._providers.items():
            server = grpc.server(futures.ThreadPoolExecutor(4), options=NO_LIMIT)
            service.add_ProviderServicer_to_server(provider, server)
            address = {"Network": "tcp", "String": f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"}
            server.start()
            self._servers.append(server)
            attached[source] = {"Protocol": "grpc", "ProtocolVersion": 6, "Pid": os.getpid(), "Test": True, "Addr": address}
        self.environment = {"TF_REATTACH_PROVIDERS": json.dumps(attached)}

    def be(self, world: World, words: set[str]) -> None:
        """From now on, serve this world. Only the types among the words are served: a whole schema takes Terraform seconds to read."""
        for provider in self._providers.values():
            provider.be(world, words)

    def stop(self) -> None:
        for server in self._servers:
            server.stop(None)


class Provider(service.ProviderServicer):
    def __init__(self, source: str, schema: dict):
        self._source = source
        self._schema = schema
        self._told = {"subscription": ""}

    def be(self, world: World, words: set[str]) -> None:
        self._world = world
        self._resources = {name: block for name, block in self._schema["resources"].items() if name in words}
        self._data = {name: block for name, block in self._schema["data"].items() if name in words}

    def GetProviderSchema(self, request, context):
        return wire.GetProviderSchema.Response(
            provider=wire.Schema(block=block_message(self._schema["provider"])),
            resource_schemas={name: wire.Schema(block=block_message(block)) for name, block in self._resources.items()},
            data_source_schemas={name: wire.Schema(block=block_message(block)) for name, block in self._data.items()},
        )

    def ValidateProviderConfig(self, request, context):
        return wire.ValidateProviderConfig.Response()

    def ValidateResourceConfig(self, request, context):
        return wire.ValidateResourceConfig.Response()

    def ValidateDataResourceConfig(self, request, context):
        return wire.ValidateDataResourceConfig.Response()

    def ConfigureProvider(self, request, context):
        config = unpacked(request.config)
        subscription = config.get("subscription_id")
        self._told = {"subscription": subscription if isinstance(subscription, str) else ""}
        if "environment" in self._schema["provider"]["attributes"]:
            self._told |= self._world.entered(self._source, config["environment"])
        return wire.ConfigureProvider.Response()

    def UpgradeResourceState(self, request, context):
        return wire.UpgradeResourceState.Response(upgraded_state=wire.DynamicValue(json=request.raw_state.json))

    def ReadResource(self, request, context):
        return wire.ReadResource.Response(new_state=request.current_state)

    def PlanResourceChange(self, request, context):
        planned = unpacked(request.proposed_new_state)
        if planned is not None:
            fill(self._resources[request.type_name], planned, lambda path, kind, default: default if default is not None else UNKNOWN)
        return wire.PlanResourceChange.Response(planned_state=packed(planned))

    def ApplyResourceChange(self, request, context):
        state = unpacked(request.planned_state)
        if state is not None:
            created = self._world.created(request.type_name, state, self._told)
            fill(self._resources[request.type_name], state, lambda path, kind, default: created.value(path, kind))
        return wire.ApplyResourceChange.Response(new_state=packed(state))

    def ReadDataSource(self, request, context):
        state = unpacked(request.config)
        block = self._data[request.type_name]
        try:
            answer = self._world.answer(request.type_name, state)
        except Refused as refused:
            error = wire.Diagnostic(severity=wire.Diagnostic.ERROR, summary=str(refused))
            return wire.ReadDataSource.Response(diagnostics=[error])
        for name, value in answer.items():
            state[name] = dynamic(value) if block["attributes"][name][0] == "dynamic" else value
        created = self._world.created(request.type_name, state, self._told)
        fill(block, state, lambda path, kind, default: created.value(path, kind))
        return wire.ReadDataSource.Response(state=packed(state))

    def StopProvider(self, request, context):
        return wire.StopProvider.Response()


def unpacked(value):
    return msgpack.unpackb(value.msgpack, raw=False, strict_map_key=False)


def packed(value):
    return wire.DynamicValue(msgpack=msgpack.packb(value))


def fill(block: dict, state: dict, value, path: tuple = ()) -> None:
    """Gives each computed attribute that has no value yet the one that is told for its path, type and default."""
    for name, (kind, flags, *default) in block["attributes"].items():
        if "write-only" in flags:
            state[name] = None
        elif "computed" in flags and (state[name] is None or isinstance(state[name], msgpack.ExtType)):
            state[name] = value((*path, name), kind, default[0] if default else None)
    for name, nested in block["blocks"].items():
        inner = state[name]
        for number, one in enumerate([inner] if isinstance(inner, dict) else inner if isinstance(inner, list) else []):
            fill(nested["block"], one, value, (*path, number, name))


def block_message(block: dict):
    return wire.Schema.Block(
        attributes=[attribute_message(name, *attribute) for name, attribute in block["attributes"].items()],
        block_types=[
            wire.Schema.NestedBlock(
                type_name=name,
                block=block_message(nested["block"]),
                nesting=wire.Schema.NestedBlock.NestingMode.Value(nested["nesting"].upper()),
                min_items=0 if nested["nesting"] == "single" else nested["min"],
                max_items=0 if nested["nesting"] == "single" else nested["max"],
            )
            for name, nested in block["blocks"].items()
        ],
    )


def attribute_message(name: str, kind, flags: str, default=None):
    message = wire.Schema.Attribute(name=name)
    if isinstance(kind, dict):
        members = [attribute_message(member, *attribute) for member, attribute in kind["single"].items()]
        message.nested_type.CopyFrom(wire.Schema.Object(attributes=members, nesting=wire.Schema.Object.SINGLE))
    else:
        message.type = json.dumps(kind).encode()
    for flag in flags.split():
        setattr(message, flag.replace("-", "_"), True)
    return message
