package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/host/cluster"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

func newMeshCheckpointCommand(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "checkpoint",
		Short: "Have operators vouch for what the log of the mesh leads to",
		Long: fmt.Sprintf(`Orders, signed by as many operators as a break-glass command needs, what the log leads to at the
newest height at which a checkpoint may be: these lie %d entries apart. Each node compares it
with what its own log leads to, and rejects another one. meshos mesh status shows the last
one.

What is before a checkpoint is dropped once it is older than records.mesh_age, or the record
larger than records.mesh_size, from the seeds and from the record of each node. Who joins then,
or was away for longer, goes on from the checkpoint.`, cluster.MarkEvery),
		Example: "  meshos mesh checkpoint --propose checkpoint.cmd",
		Args:    cobra.NoArgs,
	}
	f := addCommandFlags(cmd, true)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return a.carryOut(cmd, f, func(s *meshosv1.Snapshot) (*meshosv1.AdminEvent, error) {
			m := s.GetMesh()
			mark, last := m.GetMark(), m.GetCheckpoint()
			switch {
			case mark == nil:
				return nil, fmt.Errorf("the log of the mesh has %d entries, and the first checkpoint is possible at height %d", m.GetHeight(), cluster.MarkEvery)
			case mark.GetHeight() <= last.GetHeight():
				return nil, fmt.Errorf("there is a checkpoint at height %d, and the next one is possible at height %d; the log has %d entries",
					last.GetHeight(), last.GetHeight()+cluster.MarkEvery, m.GetHeight())
			}
			return &meshosv1.AdminEvent{Kind: &meshosv1.AdminEvent_Checkpoint{Checkpoint: &meshosv1.Checkpoint{
				Height: mark.GetHeight(), AdminState: mark.GetAdminState(),
			}}}, nil
		})
	}
	return cmd
}
