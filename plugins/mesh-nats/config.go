package main

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/meshos/meshos/pluginsdk"
)

// config is the plugin's configuration; README.md describes it in a table.
type config struct {
	Listen    string             `json:"listen" doc:"host:port on which a seed takes the links of nodes; seeds link with each other on the port after it; empty: this node is no seed"`
	Advertise string             `json:"advertise" doc:"host:port under which other nodes reach this seed, as it is written in seeds; empty: listen"`
	Seeds     []string           `json:"seeds" min:"1" doc:"host:port of each seed of the mesh, this one too if it is one; best 1, 3 or 5"`
	Session   pluginsdk.Duration `json:"session" default:"15s" min:"1s" max:"10m" doc:"a node whose loop was not heard of for so long is gone"`
	Beacon    pluginsdk.Duration `json:"beacon" default:"5s" min:"200ms" max:"1m" doc:"how often seeds say where the log ends"`
	MaxLog    int64              `json:"max_log" default:"1073741824" min:"1048576" max:"1099511627776" doc:"size in bytes that the ordered log may have on a seed; it takes nothing more then, and an alarm is raised at 80 %"`

	Chains       bool     `json:"chains" doc:"this node may hold replicas of chains; needs three seeds or more, and, if it is no seed, a token made with --chains"`
	ChainsListen string   `json:"chains_listen" doc:"host:port on which a node that is no seed and holds chains takes the links of others that do; it must be reached from all of them"`
	ChainsMost   int      `json:"chains_most" default:"2000" min:"1" max:"100000" doc:"how many replicas of chains it holds at most"`
	ChainsBytes  int64    `json:"chains_bytes" default:"10737418240" min:"1048576" max:"1125899906842624" doc:"bytes that the replicas of chains may have on it together"`
	ChainsScrub  int64    `json:"chains_scrub" default:"1048576" min:"0" max:"1073741824" doc:"bytes of its replicas that it reads in a second to find rot; 0: none"`
	Clients      string   `json:"clients" doc:"host:port on a loopback address at which programs of this machine publish to chains and read them, by the NATS protocol; empty: none"`
	ClientsToken string   `json:"clients_token" doc:"file with the token that such programs present; only its owner may read it"`
	ClientsNkeys []string `json:"clients_nkeys" doc:"public nkeys of users (U…) that such programs may sign with, instead of the token"`
}

// Validate checks what tags can't express.
func (c config) Validate() error {
	var errs []error
	bad := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(c.Seeds) == 0 {
		bad("seeds: names none: write the address of each seed of the mesh")
	}
	seen := map[string]bool{}
	for _, seed := range c.Seeds {
		if err := address(seed); err != nil {
			bad("seeds: %w", err)
		}
		if seen[seed] {
			bad("seeds: %q is named twice", seed)
		}
		seen[seed] = true
	}
	switch {
	case c.Listen == "" && c.Advertise != "":
		bad("advertise: this node is no seed: set listen as well")
	case c.Listen == "":
		c.validateChains(bad)
		return errors.Join(errs...)
	}
	host, port, err := hostPort(c.Listen)
	switch {
	case err != nil:
		bad("listen: %w", err)
	case port == 65535:
		bad("listen: port %d leaves none after it, which seeds need for their links with each other", port)
	}
	if c.Advertise != "" {
		if err := address(c.Advertise); err != nil {
			bad("advertise: %w", err)
		}
	}
	c.validateChains(bad)
	any, parseErr := netip.ParseAddr(host)
	switch {
	case err != nil:
	case c.Advertise == "" && (host == "" || parseErr == nil && any.IsUnspecified()):
		bad("advertise: listen (%s) names no address, so write the one under which other nodes reach this seed", c.Listen)
	case !slices.Contains(c.Seeds, c.advertised()):
		bad("seeds: %s, where this seed is reached, is not among them: every seed and every node has the same list", c.advertised())
	}
	return errors.Join(errs...)
}

// validateChains checks what concerns chains.
func (c config) validateChains(bad func(format string, args ...any)) {
	if c.Chains && len(c.Seeds) < 3 {
		bad("chains: needs three seeds or more, and there are %d: streams of fewer do not go into a larger cluster", len(c.Seeds))
	}
	switch {
	case c.ChainsListen != "" && (c.Listen != "" || !c.Chains):
		bad("chains_listen: it is for nodes that are no seeds and have chains = true: leave it out")
	case c.ChainsListen == "" && c.Listen == "" && c.Chains:
		bad("chains: this node is no seed: write in chains_listen the host:port on which it takes the links of others that hold chains, or leave chains out")
	case c.ChainsListen != "":
		host, _, _ := hostPort(c.ChainsListen)
		if ip, err := netip.ParseAddr(host); err == nil && ip.IsUnspecified() {
			bad("chains_listen: %s names no address, and others have to reach it: write the one under which they do", c.ChainsListen)
		}
		if err := address(c.ChainsListen); err != nil {
			bad("chains_listen: %w", err)
		}
	}
	switch {
	case c.Clients == "" && c.ClientsToken == "" && len(c.ClientsNkeys) == 0:
		return
	case c.Clients == "":
		bad("clients: programs reach no port: set it beside clients_token and clients_nkeys")
	case c.ClientsToken == "" && len(c.ClientsNkeys) == 0:
		bad("clients_token: name the file of the token that programs present, or in clients_nkeys the keys of those who may")
	}
	for _, key := range c.ClientsNkeys {
		if !nkeys.IsValidPublicUserKey(key) {
			bad("clients_nkeys: %q is not the public key of a user: `nk -gen user -pubout` makes one, U and 55 characters", key)
		}
	}
	if c.Clients == "" {
		return
	}
	host, _, err := hostPort(c.Clients)
	if ip, parseErr := netip.ParseAddr(host); err == nil && (parseErr != nil || !ip.IsLoopback()) {
		err = fmt.Errorf("%s is no loopback address, and the port is for programs of this machine: use 127.0.0.1", host)
	}
	if err != nil {
		bad("clients: %w", err)
	}
}

// address checks an address that other nodes connect to.
func address(text string) error {
	host, port, err := hostPort(text)
	switch {
	case err != nil:
		return err
	case host == "":
		return fmt.Errorf("%q names no host", text)
	case port == 65535:
		return fmt.Errorf("%q: port %d leaves none after it, which seeds need for their links with each other", text, port)
	}
	return nil
}

func hostPort(text string) (host string, port uint16, err error) {
	host, digits, err := net.SplitHostPort(text)
	if err != nil {
		return "", 0, fmt.Errorf("%q is not host:port", text)
	}
	n, err := strconv.ParseUint(digits, 10, 16)
	if err != nil || n == 0 {
		return "", 0, fmt.Errorf("%q: %q is not a port from 1 to 65534", text, digits)
	}
	return host, uint16(n), nil
}

// nextPort returns the address on which a seed takes the links of other seeds.
func nextPort(address string) string {
	host, port, err := hostPort(address)
	if err != nil {
		return address // Validate has refused it
	}
	return net.JoinHostPort(host, strconv.Itoa(int(port)+1))
}

func (c config) isSeed() bool { return c.Listen != "" }

// advertised returns the address of this seed as other nodes have it.
func (c config) advertised() string {
	if c.Advertise != "" {
		return c.Advertise
	}
	return c.Listen
}

func (c config) session() time.Duration { return time.Duration(c.Session) }
func (c config) beacon() time.Duration  { return time.Duration(c.Beacon) }

// beatEvery returns how often a node says that it is there: often enough that one beat may
// be lost.
func (c config) beatEvery() time.Duration { return c.session() / 3 }

func (c config) warnings() []string {
	if n := len(c.Seeds); n%2 == 0 {
		return []string{fmt.Sprintf("seeds: with %d seeds the log takes nothing once %d of them are down, as with %d: use 1, 3 or 5", n, n/2, n-1)}
	}
	return nil
}
