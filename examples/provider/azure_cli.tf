# After `az login`, with the account of `az account show` unless `subscription_id` or `tenant_id` names another one.
provider "acr" {}
