"""CloudFormation stacks: the resource types that moto lacks or gets wrong, and the order in which stacks make them."""
