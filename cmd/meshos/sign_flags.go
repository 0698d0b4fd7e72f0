package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

// signFlags say with which keys to sign, and that nobody need be asked.
type signFlags struct {
	ice      bool
	keys     []string
	keyFiles []string
	cluster  string
	yes      bool
	dryRun   bool
	expect   string
	output   *outputFlag
}

func (f *signFlags) add(cmd *cobra.Command, ice bool) {
	f.ice = ice
	flags := cmd.Flags()
	flags.StringArrayVar(&f.keys, "key", nil, "sign with this key of the ssh-agent: its fingerprint, its comment, or its .pub file")
	flags.StringArrayVar(&f.keyFiles, "key-file", nil, "sign with this private key, in OpenSSH's format")
	flags.StringVar(&f.cluster, "cluster", "", "the cluster that the command is for (default: node.cluster of the configuration)")
	f.addAsking(cmd, ice)
	_ = cmd.MarkFlagFilename("key-file")
}

// addAsking adds the flags of what has to be confirmed.
func (f *signFlags) addAsking(cmd *cobra.Command, ice bool) {
	f.ice = ice
	yes := "don't ask"
	if ice {
		yes = "don't ask; only with --expect-hash"
		cmd.Flags().StringVar(&f.expect, "expect-hash", "", "go on only if the simulation has this hash")
	}
	cmd.Flags().BoolVarP(&f.yes, "yes", "y", false, yes)
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "show all and do nothing")
	f.output = addOutput(cmd)
}

// check finds flags that make no sense together.
func (f *signFlags) check() error {
	if f.ice && f.yes && f.expect == "" {
		return errors.New("--yes: a break-glass command goes unasked only with --expect-hash HEX, the hash that --dry-run shows")
	}
	if f.expect != "" {
		_, err := readHash(f.expect)
		return err
	}
	return nil
}

// readHash reads what --expect-hash gives: the hash as it is shown, or as JSON has it.
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

// count is how many keys are named.
func (f *signFlags) count() int { return len(f.keys) + len(f.keyFiles) }

// expects compares a hash with the one that --expect-hash names, if it does.
func (f *signFlags) expects(hash []byte) error {
	if f.expect == "" {
		return nil
	}
	want, err := readHash(f.expect)
	if err != nil || bytes.Equal(want, hash) {
		return err
	}
	return fmt.Errorf("the simulation has the hash %s, and --expect-hash names another: what it would do is not what you looked at",
		hex.EncodeToString(hash))
}
