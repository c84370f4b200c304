# Applies the module to two registries of the local Azure simulator. The acceptance tests start the simulator and
# run this file: terraform test -test-directory=tests/simulator

provider "acr" {}

variables {
  registries = {
    contoso = {
      registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
    }
    fabrikam = {
      registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/fabrikam"
      start_time  = "05:00"
    }
  }
  repositories    = { python = { tags = ["3.11"] } }
  window          = { from = "22:00", to = "04:00" }
  next_runs_after = "2026-06-10T12:00:00Z"
}

run "create" {
  assert {
    condition     = output.login_servers == { contoso = "contoso.azurecr.io", fabrikam = "fabrikam.azurecr.io" }
    error_message = "Each registry must have its login server."
  }

  assert {
    condition     = length(distinct(values(output.policy_digests))) == 1
    error_message = "Equal policies must have the same digest."
  }

  assert {
    condition     = output.schedules["fabrikam"].days == tolist([1, 8, 15, 22, 29]) && output.schedules["fabrikam"].cron == "0 5 */7 * *"
    error_message = "The workflow must run every seven days at 05:00."
  }

  assert {
    condition     = output.schedules["contoso"].start_time == "00:58"
    error_message = "The start time must be in the window."
  }

  assert {
    condition     = output.next_runs["fabrikam"] == "2026-06-15T05:00:00Z"
    error_message = "The next run must be the first one after next_runs_after."
  }
}

run "a_new_registry_moves_no_other" {
  variables {
    registries = {
      contoso = {
        registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
      }
      fabrikam = {
        registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/fabrikam"
        start_time  = "05:00"
      }
      northwind = {
        registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/northwind"
      }
    }
  }

  assert {
    condition     = output.schedules["contoso"].start_time == "00:58"
    error_message = "The start time of a registry must not depend on other registries."
  }
}

run "disable" {
  variables {
    registries = {
      contoso = {
        registry_id = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/demo/providers/Microsoft.ContainerRegistry/registries/contoso"
        enabled     = false
      }
    }
  }

  assert {
    condition     = join(",", keys(output.login_servers)) == "contoso" && length(output.next_runs) == 0
    error_message = "Only one workflow must remain, and it must not run."
  }
}
