package state

import (
	"cmp"
	"fmt"
	"strings"
	"unique"

	"github.com/meshos/meshos/host/mesh"
)

// Origin is where an order came from. The zero value stands for no order.
type Origin struct {
	Height    uint64    // in the ordered log; 0 if it is not there
	Mesh      bool      // that log is the one of the mesh, not the node's own
	At        mesh.Time // when it was ordered: windows that it opens begin then
	Operators Names     // who signed it; empty if nobody did
}

// Names are names of operators, kept small: there may be a million orders. No name has a line
// break. Names are equal if == holds.
type Names struct{ joined unique.Handle[string] }

// NamesOf returns names as they are kept.
func NamesOf(list ...string) Names {
	joined := strings.Join(list, "\n")
	if joined == "" {
		return Names{}
	}
	return Names{unique.Make(joined)}
}

// List returns the names.
func (n Names) List() []string {
	if n == (Names{}) {
		return nil
	}
	return strings.Split(n.joined.Value(), "\n")
}

// Equal reports whether the names are the same, for those who compare what holds them.
func (n Names) Equal(other Names) bool { return n == other }

// origin returns the origin of an order that is being folded. An order that waited between
// the log and the fold was given when the log took it.
func (s *State) origin(p mesh.Place, operators []mesh.Operator) Origin {
	o := Origin{Height: p.Height, Mesh: p.Mesh, At: s.now}
	if !p.At.IsZero() {
		o.At = s.now.Add(-max(0, s.wall.Sub(p.At)))
	}
	var names []string
	for _, who := range operators {
		if who.Verified {
			names = append(names, cmp.Or(who.Name, who.KeyID))
		}
	}
	o.Operators = NamesOf(names...)
	if p.Mesh && p.Height == 1 {
		s.meshHeight = 1 // the node may have had another log before
	} else if p.Mesh {
		s.meshHeight = max(s.meshHeight, p.Height)
	} else {
		s.height = max(s.height, p.Height)
	}
	return o
}

// String returns the origin for people: "order 12 of alice".
func (o Origin) String() string {
	what := "an order"
	if o.Height > 0 {
		what = fmt.Sprintf("order %d", o.Height)
	}
	for i, name := range o.Operators.List() {
		word := ", "
		if i == 0 {
			word = " of "
		}
		what += word + name
	}
	return what
}
