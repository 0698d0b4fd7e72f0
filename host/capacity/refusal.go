package capacity

import "fmt"

// Unknown is What of a Refusal of an order about something that does not exist.
const Unknown = "unknown"

// Refusal is the error of an event that is not let in.
type Refusal struct {
	What    string // the key of [capacity] that is in the way, or Unknown
	Message string
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

func (n need) full(limit int) *Refusal {
	return &Refusal{n.kind.String(), fmt.Sprintf("%s %d is not known, and this node remembers %d %s already; raise %s in [capacity] if there are that many",
		n.kind.one(), n.id, limit, n.kind, n.kind)}
}

func (n need) overShare(by string, share int) *Refusal {
	return &Refusal{n.kind.String(), fmt.Sprintf("%s %d is not known, and %s has brought %d %s already, half of what %s in [capacity] allows",
		n.kind.one(), n.id, by, share, n.kind, n.kind)}
}

func (n need) tooManyHolders(limit int) *Refusal {
	return &Refusal{"holders_per_chain", fmt.Sprintf("node %d would be one more holder of %s %d, which has %d already; raise holders_per_chain in [capacity] if there are more",
		n.holder, n.kind.one(), n.id, limit)}
}

func (n need) nameTooLong(limit int) *Refusal {
	return &Refusal{"name_bytes", fmt.Sprintf("the name of daemon %d has %d bytes, at most %d are possible (name_bytes in [capacity])",
		n.id, len(n.name), limit)}
}
