package wire

import (
	"github.com/meshos/meshos/host/mesh"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// Recovery is what the seeds of a mesh signed to replace who commands it, as a client sent it.
type Recovery struct{ Signed *meshosv1.Recovery }

// Command returns the command that it stands for, and why it is given.
func (r Recovery) Command() (command mesh.SetSigners, reason string, err error) {
	command, err = SetSignersFromProto(r.Signed.GetSigners())
	return command, valid(r.Signed.GetReason()), err
}
