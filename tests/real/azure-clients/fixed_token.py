"""A credential that hands out one token, whatever it is asked for."""

from azure.core.credentials import AccessToken, AccessTokenInfo, TokenCredential


class FixedToken:
    """The token that `credential` has for `resource` now."""

    def __init__(self, credential: TokenCredential, resource: str):
        self._token = credential.get_token(f"{resource}/.default")

    def get_token(self, *_scopes: str, **_options) -> AccessToken:
        return self._token

    def get_token_info(self, *_scopes: str, **_options) -> AccessTokenInfo:
        return AccessTokenInfo(self._token.token, self._token.expires_on)
