package pluginsdk

import "context"

// call runs f on the current instance, which stays until f has returned. A
// PeerWatcher is told the peers before its first call.
func call[I, R any](ctx context.Context, s *Server, f func(context.Context, I) (R, error)) (R, error) {
	var none R
	inst, err := s.acquire()
	if err != nil {
		return none, err
	}
	defer inst.release()
	if err := inst.tell(s.peersNow(), true); err != nil {
		return none, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(inst.calls, cancel)()
	return f(ctx, inst.value.(I))
}
