package pluginsdk

import "context"

// Complete makes the answer of the call with this context complete: it has all that the
// probe knows now. What the probe reported earlier of a peer that is not in the answer is
// then dropped by the host at once, also if the answer is empty; of an inventory, each fact
// that is not in it. Otherwise the host keeps it until sample_ttl is over.
//
// A probe calls Complete in SampleRTT, SampleHealth or SampleInventory, in each call from
// the end of its first round on: before that it would wipe out what the process before it
// had found. Elsewhere Complete does nothing.
func Complete(ctx context.Context) {
	if complete, ok := ctx.Value(completeKey{}).(*bool); ok {
		*complete = true
	}
}

// completeKey is the key under which a context has where Complete stores that it was called.
type completeKey struct{}

// withComplete returns a context for one call of a probe. The probe's goroutine alone may
// use it with Complete.
func withComplete(ctx context.Context) (context.Context, *bool) {
	complete := new(bool)
	return context.WithValue(ctx, completeKey{}, complete), complete
}
