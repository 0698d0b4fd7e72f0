package meshlab

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// ProgramsToken is what programs present to use chains, on each node that holds some.
const ProgramsToken = "a token of programs in a lab"

// programsPort is the one at which they do.
const programsPort = 4222

// dialWithin bounds how long a connection of a program may take to come about.
const dialWithin = 2 * time.Second

// Programs returns the address at which programs of the node's machine use chains.
func (n *Node) Programs() string {
	host := n.IP
	if n.host != nil {
		host = "127.0.0.1" // of its namespace
	}
	return net.JoinHostPort(host, strconv.Itoa(programsPort))
}

// Dial connects to an address as a program of the node's machine does.
func (n *Node) Dial(network, address string) (conn net.Conn, err error) {
	if n.host == nil {
		return net.DialTimeout(network, address, dialWithin)
	}
	err = n.host.Do(func() error {
		conn, err = net.DialTimeout(network, address, dialWithin)
		return err
	})
	return conn, err
}

// chainKeys returns the keys of the mesh plugin of a node that holds chains.
func (n *Node) chainKeys() (string, error) {
	token := filepath.Join(n.Dir, "programs.token")
	if err := os.WriteFile(token, []byte(ProgramsToken+"\n"), 0o600); err != nil {
		return "", err
	}
	return fmt.Sprintf("chains = true\nclients = %q\nclients_token = %q", n.Programs(), token), nil
}
