package host

import (
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/host/mesh"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// judge gives the verdict on a signed command. Signatures are not checked yet:
// without operators the command is carried out unverified, like an unsigned one;
// where operators are configured it is rejected, since what was not proven must
// not count. An error says that the payload is no command at all.
func judge(signed wire.Signed, operators bool) (mesh.JudgedCommit, error) {
	var command meshosv1.AdminCommand
	if err := proto.Unmarshal(signed.Payload, &command); err != nil {
		return mesh.JudgedCommit{}, fmt.Errorf("signed_commit.payload: not an AdminCommand: %w", err)
	}
	event, err := wire.AdminFromProto(command.GetEvent())
	if err != nil {
		return mesh.JudgedCommit{}, fmt.Errorf("signed_commit.payload.event: %w", err)
	}
	id := sha256.Sum256(signed.Payload)
	judged := mesh.JudgedCommit{
		Event:    event,
		CommitID: id[:],
		Outcome:  mesh.Verification{Verdict: mesh.VerdictUnverified},
	}
	if operators {
		judged.Outcome = mesh.Verification{
			Verdict: mesh.VerdictRejected,
			Kind:    "not_authorized",
			Message: "this version of meshos does not verify signatures, so it accepts no signed command where operators are configured",
		}
	}
	return judged, nil
}
