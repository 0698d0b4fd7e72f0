package netlab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"github.com/meshos/meshos/internal/pinned"
)

// switchMTU is that of the ports of a switch.
const switchMTU = 1500

// Switch joins network namespaces, each with one link, until it is told to keep packets back.
// It needs neither bridges nor packet filters of the kernel: it is a function that copies
// packets from one link to another. Its methods may be called from any goroutine.
type Switch struct {
	hosts  []*Host
	timers sync.WaitGroup

	mu    sync.Mutex
	cut   map[way]bool
	loss  int // in percent
	delay time.Duration
	rate  int // bytes a second that each host sends at most; 0: without a limit
	drawn *rand.Rand
}

// way is from one host to another one; hosts count from 1.
type way struct{ from, to int }

// Host is a network namespace with a link to the switch, tun0. Its loopback is up.
type Host struct {
	Address netip.Addr

	number int
	ns     *os.File
	tun    *os.File
	read   sync.WaitGroup
	sent   atomic.Int64
}

// NewSwitch makes n namespaces, of hosts 1 to n with the addresses 10.78.0.1 to 10.78.0.n. They
// are gone once the switch is closed and all processes in them have ended, also if nobody
// closes it. It needs root.
func NewSwitch(n int) (*Switch, error) {
	s := &Switch{cut: map[way]bool{}, drawn: rand.New(rand.NewPCG(1, 1))}
	for i := 1; i <= n; i++ {
		h, err := newHost(i)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("make network namespace %d: %w", i, err), s.Close())
		}
		s.hosts = append(s.hosts, h)
	}
	for _, h := range s.hosts {
		h.read.Go(func() { s.forward(h) })
	}
	return s, nil
}

// Close takes the links down, and waits until nothing is forwarded any more.
func (s *Switch) Close() error {
	var errs []error
	for _, h := range s.hosts {
		errs = append(errs, h.tun.Close(), h.ns.Close())
	}
	for _, h := range s.hosts {
		h.read.Wait()
	}
	s.timers.Wait()
	return errors.Join(errs...)
}

// Host returns a host, from 1 on.
func (s *Switch) Host(i int) *Host { return s.hosts[i-1] }

// Cut has the hosts of each group reach only each other. Who is named nowhere reaches nobody.
// It ends what was cut before.
func (s *Switch) Cut(groups ...[]int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cut)
	for from := 1; from <= len(s.hosts); from++ {
		for to := 1; to <= len(s.hosts); to++ {
			together := slices.ContainsFunc(groups, func(g []int) bool { return slices.Contains(g, from) && slices.Contains(g, to) })
			if !together {
				s.cut[way{from, to}] = true
			}
		}
	}
}

// OneWay keeps what some hosts send from others, in addition to what is cut.
func (s *Switch) OneWay(from, to []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range from {
		for _, t := range to {
			s.cut[way{f, t}] = true
		}
	}
}

// Heal ends all cuts.
func (s *Switch) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.cut)
}

// Weather changes how many packets are lost, in percent, and how long the others take.
func (s *Switch) Weather(loss int, delay time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loss, s.delay = loss, delay
}

// Rate changes how many bytes a second each host sends at most; 0 ends the limit. What a host has
// to send meanwhile waits in the queue of its link, and is lost where that is full.
func (s *Switch) Rate(bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rate = bytes
}

// Sent returns how many bytes a host has sent, lost ones too.
func (h *Host) Sent() int64 { return h.sent.Load() }

func (s *Switch) forward(from *Host) {
	b := make([]byte, 1<<16)
	var free time.Time // when the link has sent what it was given
	for {
		n, err := from.tun.Read(b)
		if err != nil {
			return // closed
		}
		from.sent.Add(int64(n))
		free = s.pace(free, n)
		to := s.addressee(b[:n])
		if to == nil {
			continue
		}
		passes, after := s.passes(from.number, to.number)
		switch {
		case !passes:
		case after == 0:
			_, _ = to.tun.Write(b[:n]) // lost if its link is down
		default:
			packet := slices.Clone(b[:n])
			s.timers.Add(1)
			time.AfterFunc(after, func() {
				defer s.timers.Done()
				_, _ = to.tun.Write(packet)
			})
		}
	}
}

// pace waits until a link whose rate is limited has sent what it was given before, but for a
// moment: a timer has no finer grain. It returns when the link has sent these bytes too.
func (s *Switch) pace(free time.Time, bytes int) time.Time {
	const moment = 2 * time.Millisecond
	s.mu.Lock()
	rate := s.rate
	s.mu.Unlock()
	if rate == 0 {
		return time.Time{}
	}
	now := time.Now()
	if free.Before(now) {
		free = now
	}
	if ahead := free.Sub(now); ahead > moment {
		time.Sleep(ahead)
	}
	return free.Add(time.Duration(bytes) * time.Second / time.Duration(rate))
}

// addressee returns the host to which an IPv4 packet goes; nil for nobody.
func (s *Switch) addressee(packet []byte) *Host {
	if len(packet) < ipHeader || packet[0]>>4 != 4 {
		return nil
	}
	if net := binary.BigEndian.Uint32(packet[16:20]); net>>8 != 10<<16|78<<8 {
		return nil
	}
	if i := int(packet[19]); i >= 1 && i <= len(s.hosts) {
		return s.hosts[i-1]
	}
	return nil
}

func (s *Switch) passes(from, to int) (passes bool, after time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut[way{from, to}] || s.loss > 0 && s.drawn.IntN(100) < s.loss {
		return false, 0
	}
	return true, s.delay
}

func newHost(number int) (*Host, error) {
	h := &Host{number: number, Address: netip.AddrFrom4([4]byte{10, 78, 0, byte(number)})}
	err := onThreadOfItsOwn(func() (err error) {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("unshare: %w", err)
		}
		if h.ns, err = os.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid())); err != nil {
			return err
		}
		h.tun, err = openPort(h.Address)
		return err
	})
	if err != nil && h.ns != nil {
		_ = h.ns.Close()
	}
	return h, err
}

// openPort makes tun0 in the namespace of this thread, with an address in a net of 256.
func openPort(address netip.Addr) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open /dev/net/tun: %w", err)
	}
	if err := errors.Join(
		ioctl(fd, unix.TUNSETIFF, "tun0", func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI); return nil }),
		configure(address),
	); err != nil {
		return nil, errors.Join(err, unix.Close(fd))
	}
	return os.NewFile(uintptr(fd), "tun0"), nil // not before it is a link: nothing would ever come
}

func configure(address netip.Addr) error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	up := func(r *unix.Ifreq) error { r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING); return nil }
	return errors.Join(
		ioctl(s, unix.SIOCSIFADDR, "tun0", func(r *unix.Ifreq) error { return r.SetInet4Addr(address.AsSlice()) }),
		ioctl(s, unix.SIOCSIFNETMASK, "tun0", func(r *unix.Ifreq) error { return r.SetInet4Addr([]byte{255, 255, 255, 0}) }),
		ioctl(s, unix.SIOCSIFMTU, "tun0", func(r *unix.Ifreq) error { r.SetUint32(switchMTU); return nil }),
		ioctl(s, unix.SIOCSIFFLAGS, "lo", up),
		ioctl(s, unix.SIOCSIFFLAGS, "tun0", up),
	)
}

func ioctl(fd int, request uint, name string, set func(*unix.Ifreq) error) error {
	r, err := unix.NewIfreq(name)
	if err == nil {
		err = set(r)
	}
	if err == nil {
		err = unix.IoctlIfreq(fd, request, r)
	}
	if err != nil {
		return fmt.Errorf("configure %s: %w", name, err)
	}
	return nil
}

// Start starts a command in the namespace of the host.
func (h *Host) Start(cmd *exec.Cmd) error { return h.Do(cmd.Start) }

// Do calls a function on a thread in the namespace of the host. Sockets that it opens are there.
func (h *Host) Do(f func() error) error {
	return onThreadOfItsOwn(func() error {
		if err := pinned.Do(h.ns, func(fd int) error { return unix.Setns(fd, unix.CLONE_NEWNET) }); err != nil {
			return fmt.Errorf("enter the network namespace of host %d: %w", h.number, err)
		}
		return f()
	})
}

// onThreadOfItsOwn calls a function on a thread that ends with it: the goroutine never unlocks
// it.
func onThreadOfItsOwn(f func() error) error {
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	return <-done
}
