"""One example of each rule, made by breaking something and asking the product: what ``docs/rules.md`` is written from."""
