package pluginsdk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// The context of a call ends as those of package context do, whether or not anybody has asked for
// its end before, and so do those that an author derives from it.
func TestTheContextOfACall(t *testing.T) {
	for what, c := range map[string]struct {
		end  func(caller, instance func(), c *callContext)
		want error
	}{
		"the caller stops waiting": {func(caller, _ func(), _ *callContext) { caller() }, context.Canceled},
		"its time is over":         {func(_, _ func(), _ *callContext) { time.Sleep(time.Minute) }, context.DeadlineExceeded},
		"it was replaced":          {func(_, instance func(), _ *callContext) { instance() }, context.Canceled},
		"it has returned":          {func(_, _ func(), c *callContext) { c.end() }, context.Canceled},
	} {
		for _, asked := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				type key struct{}
				caller, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, what))
				defer cancel()
				instance, replace := context.WithCancel(t.Context())
				defer replace()
				outer := &callContext{caller: caller, deadline: time.Now().Add(time.Minute)}
				defer outer.end()
				ctx := &callContext{caller: outer, instance: instance}
				defer ctx.end()
				if until, ok := ctx.Deadline(); !ok || time.Until(until) != time.Minute {
					t.Errorf("%s: the deadline is in %v, %v", what, time.Until(until), ok)
				}
				var derived context.Context
				if asked {
					var stop func()
					derived, stop = context.WithCancel(ctx)
					defer stop()
				}
				if ctx.Err() != nil || ctx.Value(key{}) != any(what) {
					t.Fatalf("%s: it has ended before, or lost its values: %v, %v", what, ctx.Err(), ctx.Value(key{}))
				}
				c.end(cancel, replace, ctx)
				synctest.Wait()
				if got := ctx.Err(); !errors.Is(got, c.want) {
					t.Errorf("%s, asked %v: the error is %v, want %v", what, asked, got, c.want)
				}
				if !asked {
					derived = ctx
				}
				<-derived.Done()
				if got := derived.Err(); !errors.Is(got, c.want) {
					t.Errorf("%s, asked %v: that of a derived one is %v, want %v", what, asked, got, c.want)
				}
				if got := context.Cause(derived); !errors.Is(got, c.want) {
					t.Errorf("%s, asked %v: the cause is %v, want %v", what, asked, got, c.want)
				}
			})
		}
	}
}
