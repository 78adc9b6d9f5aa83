module rules_modhash

go 1.26.0
