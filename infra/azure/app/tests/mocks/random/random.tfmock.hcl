mock_resource "random_string" {
  defaults = {
    result = "ab1cd"
  }
}
