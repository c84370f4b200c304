# After `az login`, in the tenant of `az account show` unless `tenant_id` names another one.
provider "acr" {}
