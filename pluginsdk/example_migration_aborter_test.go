package pluginsdk_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"google.golang.org/grpc/status"

	"github.com/meshos/meshos/pluginsdk"
	"github.com/meshos/meshos/pluginsdk/plugintest"
)

// transfers is a migration aborter for migrations of this process.
type transfers struct {
	mu      sync.Mutex
	running map[uint64]*transfer
}

type transfer struct {
	committed bool
	cancel    func()
}

func (p *transfers) Abort(_ context.Context, migration uint64, reason string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m := p.running[migration]
	switch {
	case m == nil:
		return pluginsdk.NotFound(fmt.Errorf("no migration %d is running", migration))
	case m.committed:
		return pluginsdk.FailedPrecondition(fmt.Errorf("migration %d has been committed", migration))
	}
	m.cancel()
	delete(p.running, migration)
	return nil
}

func newTransfers(pluginsdk.Env, struct{}) (*transfers, error) {
	return &transfers{running: map[uint64]*transfer{
		8: {cancel: func() { fmt.Println("cancelled 8") }},
		9: {committed: true},
	}}, nil
}

func ExampleMigrationAborter() {
	asTest(func(t testing.TB) {
		plugin := plugintest.Start(t, newTransfers, struct{}{})
		for _, migration := range []uint64{8, 9, 10} {
			fmt.Println(migration, status.Code(plugin.Abort(migration, "an operator wants it")))
		}
	})
	// Output:
	// cancelled 8
	// 8 OK
	// 9 FailedPrecondition
	// 10 NotFound
}
