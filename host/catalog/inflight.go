package catalog

import (
	"context"
	"strconv"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"
)

// timeoutHeader tells the plugin, in milliseconds, how long it may work. The call's
// deadline is later, because only the return of a late call shows that the plugin lives.
const timeoutHeader = "meshos-timeout-ms"

// timeoutForPlugin returns what the plugin is told of a timeout: a little less, so that
// an answer at the very end of its time still comes in time and does not make it lag.
func timeoutForPlugin(timeout time.Duration) time.Duration {
	return timeout - min(timeout/8, 250*time.Millisecond)
}

// call is one call in flight, streams aside.
type call struct {
	slot     *slot
	instance *instance
	method   string
	timeout  time.Duration
	began    time.Time
	internal bool       // one of the catalog's own, which is not counted
	result   chan error // buffered for one

	paged  bool               // the timeout is that of each page
	ctx    context.Context    // of the gRPC call
	cancel context.CancelFunc // ends it

	mu        sync.Mutex
	lastHeard time.Time   // when the last page came; zero for none
	timer     *time.Timer // calls timedOut
	settled   bool        // it was counted, and its caller has the result
	late      bool        // the machine was told that it is
}

func (s *slot) newCall(i *instance, method string, timeout time.Duration) *call {
	return &call{slot: s, instance: i, method: method, timeout: timeout, began: time.Now(), result: make(chan error, 1)}
}

// start makes the call in the background. It calls ended once the call has returned.
func (c *call) start(do rpc, ended func()) {
	c.instance.pending.Add(1)
	c.ctx, c.cancel = c.limited()
	c.mu.Lock()
	c.timer = time.AfterFunc(c.timeout, c.timedOut)
	c.mu.Unlock()
	c.instance.workers.run(func() {
		defer ended()
		defer c.cancel()
		err := c.invoke(do)
		c.timer.Stop()
		c.instance.touch(time.Now())
		c.instance.pending.Add(-1)
		c.returned(err)
	})
}

// limited returns the context of the gRPC call. It ends with the process, which is killed if the
// call does not return.
func (c *call) limited() (context.Context, context.CancelFunc) {
	if c.paged {
		return context.WithCancel(c.instance.ctx)
	}
	if c.instance.mindsTimeout {
		return c.instance.ctx, func() {}
	}
	return &announced{c.instance.ctx, c.began.Add(c.timeout + c.slot.opts.HangTimeout + abortGrace)}, func() {}
}

// invoke makes the call.
func (c *call) invoke(do rpc) error {
	ms := max(1, timeoutForPlugin(c.timeout).Milliseconds())
	ctx := metadata.AppendToOutgoingContext(c.ctx, timeoutHeader, strconv.FormatInt(ms, 10))
	return c.slot.guarded(c.method, func() error { return do(ctx, c.instance.conn) })
}

// announced is a context with the deadline after which the process is being killed. The plugin
// hears of it, and nothing here waits for it: a timer for each call would cost more than all the
// rest of the host's part in it. A plugin that minds the timeout is spared it, for the same reason.
type announced struct {
	context.Context
	deadline time.Time
}

// Deadline implements context.Context.
func (a *announced) Deadline() (time.Time, bool) { return a.deadline, true }

// timedOut ends the waiting of the caller when the call has outlived its timeout.
func (c *call) timedOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.settled {
		return
	}
	if left := c.timeout - time.Since(c.lastHeard); left > 0 && !c.lastHeard.IsZero() {
		c.timer.Reset(left)
		return
	}
	c.late = true
	c.settle(&CallError{
		Plugin: c.slot.entry().Name, Method: c.method, Kind: ErrDeadline,
		Detail: "no answer within " + c.timeout.String() + "; see what it waits for, or set timeout in its entry in meshos.toml, then run meshos reload",
	})
	c.step(func(m *machine, now time.Time) { m.callLate(now, c.method) })
}

// returned is called when the call has returned, in time or late.
func (c *call) returned(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.settled {
		c.settle(c.slot.classify(c.instance, c.method, err))
	}
	if c.late {
		c.step(func(m *machine, now time.Time) { m.callReturned(now) })
	}
}

// step changes the life of the plugin if the process of the call is still the one that
// takes calls.
func (c *call) step(change func(m *machine, now time.Time)) {
	s := c.slot
	s.step(func(m *machine, now time.Time) {
		if s.instance == c.instance {
			change(m, now)
		}
	})
	s.wakeUp()
}

// settle counts the call and hands the result to its caller.
func (c *call) settle(err error) {
	c.settled = true
	defer func() { c.result <- err }()
	if c.internal {
		return
	}
	s, took := c.slot, time.Since(c.began)
	s.mu.Lock()
	s.stats.last = took
	if err != nil {
		s.stats.failures++
	}
	s.mu.Unlock()
	s.opts.Observe(s.entry().Name, c.method, took, err)
}
