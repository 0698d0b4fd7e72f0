package main

import (
	"fmt"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/cmd/meshos/internal/view"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// propose writes a command to a file instead of sending it.
func (a *app) propose(f *commandFlags, command sign.Command, sim simulation, target sign.Target) error {
	if target.Cluster == "" {
		return errNoCluster()
	}
	payload, err := command.Encode(target.Cluster, sim.hash, a.now())
	if err != nil {
		return err
	}
	if err := sign.WriteProposal(f.propose, payload, sim.blast); err != nil {
		return err
	}
	if *f.output == outputJSON {
		return view.JSON(a.out, &meshosv1.SignedCommit{Payload: payload}, false)
	}
	_, err = fmt.Fprintf(a.out, `Proposed in %[1]s. The proposal is valid for %[2]s.
  sign it   meshos %[3]s sign %[1]s
       or   ssh-keygen -Y sign -n %[4]s -f KEY %[1]s
  send it   meshos %[3]s commit %[1]s
`, f.propose, view.Seconds(target.Freshness), command.Group(), sign.Namespace)
	return err
}
