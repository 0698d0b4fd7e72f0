package signers

// Is reports whether the key may sign for a principal, which ssh-keygen asks and nothing
// here does.
func (s Signer) Is(principal string) bool { return matchList(principal, s.principals) }
