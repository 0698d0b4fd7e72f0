package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/meshos/meshos/cmd/meshos/internal/sign"
	"github.com/meshos/meshos/host/wire"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// confirmFlags are the flags of all commands that an operator has to confirm.
type confirmFlags struct {
	breakGlass bool
	yes        bool
	dryRun     bool
	expect     string
	output     *outputFlag
}

func (f *confirmFlags) add(cmd *cobra.Command, breakGlass bool) {
	f.breakGlass = breakGlass
	yes := "don't ask for confirmation"
	if breakGlass {
		yes = "don't ask for confirmation; needs --expect-hash"
		cmd.Flags().StringVar(&f.expect, "expect-hash", "", "fail unless the simulation has the hash `HEX`")
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, yes)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "only show what would happen")
	f.output = addOutput(cmd)
}

// check finds flags that make no sense together.
func (f *confirmFlags) check() error {
	if f.breakGlass && f.yes && f.expect == "" {
		return errors.New("--yes: a break-glass command also needs --expect-hash HEX, with the hash that --dry-run shows")
	}
	if f.expect != "" {
		_, err := readHash(f.expect)
		return err
	}
	return nil
}

// readHash reads the value of --expect-hash: the hash as it is shown, or as JSON has it.
func readHash(text string) ([]byte, error) {
	hash, err := hex.DecodeString(text)
	if err != nil {
		hash, err = base64.StdEncoding.DecodeString(text)
	}
	if err != nil || len(hash) != sha256.Size {
		return nil, fmt.Errorf("--expect-hash: want the %d hexadecimal digits that --dry-run shows", 2*sha256.Size)
	}
	return hash, nil
}

// check finds flags that a command can't have.
func (f *commandFlags) check() error {
	switch {
	case len(f.reason) > wire.MaxReason:
		return fmt.Errorf("--reason: it has %d bytes, and may have at most %d", len(f.reason), wire.MaxReason)
	case !utf8.ValidString(f.reason):
		return errors.New("--reason: it is not UTF-8")
	}
	return f.confirmFlags.check()
}

// expects returns an error if --expect-hash is set to another hash.
func (f *confirmFlags) expects(hash []byte) error {
	if f.expect == "" {
		return nil
	}
	want, err := readHash(f.expect)
	if err != nil || bytes.Equal(want, hash) {
		return err
	}
	return fmt.Errorf("the simulation has the hash %s, but --expect-hash names another one: the command would not do what you looked at",
		hex.EncodeToString(hash))
}

// keyFlags choose the keys to sign with, and the cluster to sign for.
type keyFlags struct {
	keys    sign.Request
	cluster string
}

func (f *keyFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringArrayVar(&f.keys.Agent, "key", nil, "sign with this `KEY` of the ssh-agent: a fingerprint, a comment or a .pub file; may be repeated")
	flags.StringArrayVar(&f.keys.Files, "key-file", nil, "sign with the private key in this `FILE`, in OpenSSH's format; may be repeated")
	flags.StringVar(&f.cluster, "cluster", "", "the `NAME` of the cluster that the command is for (default: node.cluster of the configuration)")
	_ = cmd.MarkFlagFilename("key-file")
}

// commandFlags are the flags of all commands that operators give a node.
type commandFlags struct {
	keyFlags
	confirmFlags

	unsigned bool
	here     bool
	monitor  bool
	propose  string
	reason   string
	// then, if set, is called with the record of a command that was accepted.
	then func(ctx context.Context, node *nodeClient, record *meshosv1.AdminAuditRecord) error
}

func addCommandFlags(cmd *cobra.Command, breakGlass bool) *commandFlags {
	f := addMeshFlags(cmd, breakGlass)
	cmd.Flags().BoolVar(&f.here, "here", false, "order it at this node's own door, for it alone, although it belongs to a mesh: until the mesh orders something else about the same")
	return f
}

// addMeshFlags is addCommandFlags for a command that is about the mesh itself, and can't be
// ordered of one node alone.
func addMeshFlags(cmd *cobra.Command, breakGlass bool) *commandFlags {
	f := &commandFlags{}
	f.keyFlags.add(cmd)
	f.confirmFlags.add(cmd, breakGlass)
	cmd.Flags().BoolVar(&f.unsigned, "unsigned", false, "send the command without a signature, for a node without operators")
	cmd.Flags().StringVar(&f.propose, "propose", "", "send nothing, but write the command to this `FILE` for others to sign")
	cmd.Flags().StringVarP(&f.reason, "reason", "m", "", "why: a `TEXT` that is signed with the command, and that its audit record and meshos status show")
	cmd.MarkFlagsMutuallyExclusive("unsigned", "propose")
	cmd.MarkFlagsMutuallyExclusive("unsigned", "key")
	cmd.MarkFlagsMutuallyExclusive("unsigned", "key-file")
	return f
}

func addMonitor(cmd *cobra.Command, f *commandFlags) {
	cmd.Flags().BoolVar(&f.monitor, "monitor", false, "show what is left on the node, until it is empty")
	cmd.MarkFlagsMutuallyExclusive("monitor", "dry-run")
	cmd.MarkFlagsMutuallyExclusive("monitor", "propose")
}
