package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
)

// readToken reads the token of programs of this machine.
func (g *gate) readToken() error {
	path := g.cfg.ClientsToken
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("clients_token: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("clients_token: others than its owner may read %s (%s): chmod 600 it", path, info.Mode().Perm())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("clients_token: %w", err)
	}
	if g.token = strings.TrimSpace(string(raw)); len(g.token) < 16 {
		return errors.New("clients_token: " + path + " has no token of 16 characters or more: head -c 24 /dev/urandom | base64 makes one")
	}
	return nil
}

// programs returns what programs of this machine may say and hear: they publish, read, and make
// consumers. They see nothing of what nodes say to each other, and change no stream.
func programs() *server.Permissions {
	var deny []string
	for _, api := range []string{"$JS.API.", "$JS." + hubDomain + ".API."} {
		for _, what := range []string{
			"STREAM.CREATE.>", "STREAM.UPDATE.>", "STREAM.DELETE.>", "STREAM.PURGE.>", "STREAM.MSG.DELETE.>", "STREAM.SNAPSHOT.>",
			"STREAM.RESTORE.>", "STREAM.TEMPLATE.>", "STREAM.PEER.>", "STREAM.LEADER.>", "STREAM.CANCEL_MOVE.>", "ACCOUNT.>", "META.>", "SERVER.>",
			"CONSUMER.LEADER.>", "CONSUMER.PEER.>",
		} {
			deny = append(deny, api+what)
		}
		// The log of the mesh is no chain.
		for _, what := range []string{
			"STREAM.INFO.", "STREAM.MSG.GET.", "DIRECT.GET.", "CONSUMER.CREATE.", "CONSUMER.DURABLE.CREATE.", "CONSUMER.MSG.NEXT.", "CONSUMER.DELETE.", "CONSUMER.PAUSE.",
		} {
			deny = append(deny, api+what+stream, api+what+stream+".>")
		}
	}
	// Nor do they say what the engine announces.
	deny = append(deny, "m.>", "$SYS.>", "$JS.EVENT.>", "$JS."+hubDomain+".EVENT.>")
	return &server.Permissions{
		Publish:   &server.SubjectPermission{Deny: deny},
		Subscribe: &server.SubjectPermission{Deny: []string{"m.>", "$SYS.>"}},
	}
}
