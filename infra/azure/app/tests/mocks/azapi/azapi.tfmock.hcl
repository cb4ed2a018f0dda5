# What the preflight is told, and the id of what is made.

mock_data "azapi_resource_action" {
  defaults = {
    output = {
      registrationState = "Registered"
      names             = ["North Europe", "West Europe"]
      versions          = ["1.0"]
    }
  }
}

override_resource {
  target = azapi_resource.flex["this"]
  values = {
    id = "/subscriptions/S/resourceGroups/rg-ispm/providers/Microsoft.Web/sites/func-ispm-ab1cd"
  }
}
