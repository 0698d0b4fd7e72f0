package resolve

import "github.com/meshos/meshos/host/mesh"

// Name is a host name, and by which families its peers may be reached.
type Name struct {
	Host   string
	Family mesh.Family // mesh.FamilyUnknown: both
}
