# All workflows in a subscription, with all attributes of an import
list "acr_continuous_patching_workflow" "example" {
  provider         = acr
  include_resource = true
  limit            = 500

  config {
    subscription_id = "00000000-0000-0000-0000-000000000000"
  }
}
