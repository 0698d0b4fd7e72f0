package netlab

import (
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"
)

// DNS is a small name server on UDP that counts the questions.
type DNS struct {
	Address string

	mu      sync.Mutex
	names   map[string]Name
	fill    func(host string) (Name, bool)
	queries map[string]int
	silent  bool
}

// Name is what a name server knows of a name.
type Name struct {
	A, AAAA []string
	Code    dnsmessage.RCode // in place of an answer
}

// NewDNS answers on an address until the test ends. It knows no names yet: they do not exist.
func NewDNS(t testing.TB, address string) *DNS {
	t.Helper()
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{Address: c.LocalAddr().String(), names: map[string]Name{}, queries: map[string]int{}}
	var serving sync.WaitGroup
	serving.Go(func() { d.serve(c) })
	t.Cleanup(func() {
		_ = c.Close()
		serving.Wait()
	})
	return d
}

// ForAll makes a server the one that all programs in the namespace ask. Its port has to be 53.
func (d *DNS) ForAll(t testing.TB) {
	t.Helper()
	host, _, err := net.SplitHostPort(d.Address)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver "+host+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		t.Fatalf("keep mounts to the namespace: %v", err)
	}
	if err := unix.Mount(file, "/etc/resolv.conf", "", unix.MS_BIND, ""); err != nil {
		t.Fatalf("mount a resolv.conf: %v", err)
	}
	t.Cleanup(func() { _ = unix.Unmount("/etc/resolv.conf", unix.MNT_DETACH) })
}

// Set changes what is known of a name, which ends in a dot.
func (d *DNS) Set(host string, n Name) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[strings.ToLower(host)] = n
}

// Drop lets a name not exist any more.
func (d *DNS) Drop(host string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.names, strings.ToLower(host))
}

// Fill lets a function answer for names that Set did not name.
func (d *DNS) Fill(names func(host string) (Name, bool)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.fill = names
}

// Silence lets the server answer nothing, or again.
func (d *DNS) Silence(silent bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = silent
}

// Reset counts the questions from 0 again.
func (d *DNS) Reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(d.queries)
}

// Queries returns how many questions there were about a name; "" for all.
func (d *DNS) Queries(host string) (n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if host != "" {
		return d.queries[strings.ToLower(host)]
	}
	for _, of := range d.queries {
		n += of
	}
	return n
}

// Most returns the name that was asked for most often, and how often.
func (d *DNS) Most() (host string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, of := range d.queries {
		if of > n {
			host, n = name, of
		}
	}
	return host, n
}

func (d *DNS) serve(c net.PacketConn) {
	b := make([]byte, 4096)
	for {
		n, from, err := c.ReadFrom(b)
		if err != nil {
			return // closed
		}
		if reply, ok := d.reply(b[:n]); ok {
			_, _ = c.WriteTo(reply, from)
		}
	}
}

func (d *DNS) reply(request []byte) ([]byte, bool) {
	var parser dnsmessage.Parser
	header, err := parser.Start(request)
	if err != nil {
		return nil, false
	}
	q, err := parser.Question()
	if err != nil {
		return nil, false
	}
	host := strings.ToLower(q.Name.String())
	d.mu.Lock()
	d.queries[host]++
	known, ok := d.names[host]
	if !ok && d.fill != nil {
		known, ok = d.fill(host)
	}
	silent := d.silent
	d.mu.Unlock()
	if silent {
		return nil, false
	}
	out := dnsmessage.Message{
		Header: dnsmessage.Header{
			ID: header.ID, Response: true, Authoritative: true, RecursionDesired: header.RecursionDesired, RecursionAvailable: true,
			RCode: known.Code,
		},
		Questions: []dnsmessage.Question{q},
	}
	if !ok {
		out.RCode = dnsmessage.RCodeNameError
	}
	for _, record := range known.records(q) {
		out.Answers = append(out.Answers, dnsmessage.Resource{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Class: dnsmessage.ClassINET, TTL: 1}, Body: record,
		})
	}
	b, err := out.Pack()
	return b, err == nil
}

func (n *Name) records(q dnsmessage.Question) (out []dnsmessage.ResourceBody) {
	switch q.Type {
	case dnsmessage.TypeA:
		for _, ip := range n.A {
			out = append(out, &dnsmessage.AResource{A: netip.MustParseAddr(ip).As4()})
		}
	case dnsmessage.TypeAAAA:
		for _, ip := range n.AAAA {
			out = append(out, &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(ip).As16()})
		}
	}
	return out
}
