package main

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"
)

// programsAccount is the account of programs on the server of a node that is no seed and holds no
// chains, and the name by which its link for them goes by.
const programsAccount = "programs"

// door decides which programs of this machine get in.
type door struct {
	password string // of the client within the process
	token    string // "": there is none
	nkeys    []string
}

func newDoor() door {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails
	return door{password: hex.EncodeToString(secret)}
}

// open reads by what programs are known.
func (d *door) open(cfg config) error {
	d.nkeys = cfg.ClientsNkeys
	if cfg.ClientsToken == "" {
		return nil
	}
	token, err := readToken(cfg.ClientsToken)
	d.token = token
	return err
}

// own reports whether a client is the one within the process.
func (d *door) own(c server.ClientAuthentication) bool {
	return subtle.ConstantTimeCompare([]byte(c.GetOpts().Token), []byte(d.password)) == 1
}

// admits reports whether a client is a program that has the token, or the secret of a key.
func (d *door) admits(c server.ClientAuthentication) bool {
	opts := c.GetOpts()
	if d.token != "" && subtle.ConstantTimeCompare([]byte(opts.Token), []byte(d.token)) == 1 {
		return true
	}
	if opts.Nkey == "" || !slices.Contains(d.nkeys, opts.Nkey) {
		return false
	}
	key, err := nkeys.FromPublicKey(opts.Nkey)
	if err != nil {
		return false
	}
	signature, err := base64.RawURLEncoding.DecodeString(opts.Sig)
	return err == nil && key.Verify(c.GetNonce(), signature) == nil
}

// leafDoor is the door of a node that is no seed and holds no chains.
type leafDoor struct {
	door
	srv *server.Server
}

// Check implements server.Authentication.
func (d *leafDoor) Check(c server.ClientAuthentication) bool {
	switch {
	case c.Kind() != server.CLIENT:
		return false
	case d.own(c):
		c.RegisterUser(&server.User{Username: "node", Account: d.srv.GlobalAccount()})
		return true
	case !d.admits(c):
		return false
	}
	account, err := d.srv.LookupAccount(programsAccount)
	if err != nil {
		return false
	}
	c.RegisterUser(&server.User{Username: "local", Account: account, Permissions: programs()})
	return true
}

// serveLocal has the server of a node take programs of this machine: they are in an account of
// their own, with a link of its own, which may do no more than programs on a seed.
func (l *leaf) serveLocal(opts *server.Options) (*leafDoor, error) {
	d := &leafDoor{door: newDoor()}
	if err := d.open(l.cfg); err != nil {
		return nil, err
	}
	host, port, _ := hostPort(l.cfg.Clients) // Validate has read it
	opts.DontListen, opts.Host, opts.Port = false, host, int(port)
	opts.CustomClientAuthentication, opts.AlwaysEnableNonce = d, true
	account := server.NewAccount(programsAccount)
	if err := account.AddMapping("$JS.API.>", "$JS."+hubDomain+".API.>"); err != nil {
		return nil, err
	}
	opts.Accounts = append(opts.Accounts, account)
	remote := l.remote()
	remote.LocalAccount = programsAccount
	for _, u := range remote.URLs {
		u.User = url.UserPassword(programsAccount, programsAccount) // the certificate says who it is
	}
	opts.LeafNode.Remotes = append(opts.LeafNode.Remotes, remote)
	return d, nil
}

// readToken reads the token of programs of this machine.
func readToken(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("clients_token: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("clients_token: others than its owner may read %s (%s): chmod 600 it", path, info.Mode().Perm())
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("clients_token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if len(token) < 16 {
		return "", errors.New("clients_token: " + path + " has no token of 16 characters or more: head -c 24 /dev/urandom | base64 makes one")
	}
	return token, nil
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
