package pluginsdk

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/meshos/meshos/pluginsdk/wire"
	pluginv1 "github.com/meshos/meshos/proto/meshos/plugin/v1"
	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// askEvery is the pause between two calls of a probe that measures in the background
// and has not answered for every peer yet.
const askEvery = 50 * time.Millisecond

// askAll calls every kind that can be called without an effect, each for at most wait,
// and prints the answers. It returns the exit code: failed if any call failed.
func (p *program) askAll(ctx context.Context, s *Server, peers int, wait time.Duration) int {
	code := exitDone
	for _, kind := range s.kinds {
		ask, want := s.question(kind, peers)
		if ask == nil {
			fmt.Fprintf(p.out, "%s: not asked: only a node can ask it\n", kind)
			continue
		}
		lines, good, err := askUntil(ctx, wait, want, ask)
		if err != nil {
			fmt.Fprintf(p.out, "%s: failed: %s\n", kind, status.Convert(err).Message())
			code = exitFailed
			continue
		}
		fmt.Fprintf(p.out, "%s: %s\n", kind, count(good, want))
		table := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
		for _, line := range lines {
			fmt.Fprintf(table, "  %s\n", line)
		}
		_ = table.Flush() // answers that can't be written have no reader
	}
	return code
}

func count(got, want int) string {
	if want > 0 && got <= want {
		return fmt.Sprintf("%d of %d answered", got, want)
	}
	return fmt.Sprintf("%d answered", got)
}

// question asks a kind once. Good is how many of the answers a node would accept.
type question func(context.Context) (lines []string, good int, err error)

// question returns how to ask a kind, and how many answers are complete (0: any number
// is). Ask is nil for a kind that can't be asked without a node.
func (s *Server) question(kind string, peers int) (ask question, want int) {
	none := &pluginv1.SampleRequest{}
	switch kind {
	case wire.KindLocalityProbe:
		return func(ctx context.Context) ([]string, int, error) {
			out, err := guardedCall(s, kind, func() (*pluginv1.RttSamples, error) {
				samples, complete, err := localityService{s: s}.sample(ctx)
				return rttToWire(samples, complete), err
			})
			l := s.newListing()
			for i, peer := range out.GetPeers() {
				rtt := time.Duration(out.GetRttNs()[i])
				value, sent := rtt.String(), column(out.GetSent(), i)
				if rtt == 0 {
					value = cmp.Or(column(out.GetReasons(), i), "no answer")
				}
				if sent > 0 {
					value += fmt.Sprintf("\t%d of %d echoes answered", column(out.GetReceived(), i), sent)
				}
				l.add(peer, value, rtt > 0 || rtt == 0 && (sent > 0 || column(out.GetReasons(), i) != ""))
			}
			return l.lines, l.good, err
		}, peers
	case wire.KindHealthProbe:
		return func(ctx context.Context) ([]string, int, error) {
			out, err := guardedCall(s, kind, func() (*pluginv1.HealthSamples, error) {
				return healthService{s: s}.SampleHealth(ctx, none)
			})
			l := s.newListing()
			for i, peer := range out.GetPeers() {
				health := out.GetHealth()[i]
				value := Health(health).String()
				if reason := column(out.GetReasons(), i); reason != "" {
					value += ": " + reason
				}
				l.add(peer, value, health != meshosv1.NodeHealth_NODE_HEALTH_UNSPECIFIED)
			}
			return l.lines, l.good, err
		}, peers
	case wire.KindInventoryProbe:
		return func(ctx context.Context) ([]string, int, error) {
			out, err := guardedCall(s, kind, func() (*pluginv1.InventorySamples, error) {
				return inventoryService{s: s}.SampleInventory(ctx, none)
			})
			return jsonLines(out.GetSamples()), len(out.GetSamples()), err
		}, 1
	case wire.KindMigrationSource:
		return func(ctx context.Context) ([]string, int, error) {
			out, err := guardedCall(s, kind, func() (*meshosv1.Migrations, error) {
				return migrationsService{s: s}.List(ctx, &pluginv1.ListMigrationsRequest{})
			})
			return jsonLines(out.GetInFlight()), len(out.GetInFlight()), err
		}, 0
	default:
		return nil, 0
	}
}

// column returns a value of a column that may be left out.
func column[T any](values []T, i int) (value T) {
	if i < len(values) {
		value = values[i]
	}
	return value
}

// listing collects samples as lines, and marks those that a node would leave out.
type listing struct {
	known, seen map[uint64]bool
	lines       []string
	good        int
}

func (s *Server) newListing() *listing {
	l := &listing{known: make(map[uint64]bool), seen: make(map[uint64]bool)}
	for _, p := range s.peersNow() {
		l.known[p.ID] = true
	}
	return l
}

func (l *listing) add(peer uint64, value string, possible bool) {
	line, why := fmt.Sprintf("peer %d\t%s", peer, value), ""
	switch {
	case !possible:
		why = "impossible"
	case !l.known[peer]:
		why = "not one of the peers"
	case l.seen[peer]:
		why = "a second sample"
	default:
		l.seen[peer] = true
		l.good++
	}
	if why != "" {
		line += "\ta node leaves it out: " + why
	}
	l.lines = append(l.lines, line)
}

// guardedCall is for calls that do not come through the interceptors of a gRPC server.
func guardedCall[R any](s *Server, what string, f func() (R, error)) (out R, err error) {
	err = guarded(what, s.log, func() (err error) {
		out, err = f()
		return err
	})
	return out, err
}

// askUntil asks until there are enough good answers or the time is over. It returns the
// last answers.
func askUntil(ctx context.Context, wait time.Duration, want int, ask question) ([]string, int, error) {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		lines, good, err := ask(ctx)
		if err != nil || good >= want {
			return lines, good, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return lines, good, nil
		}
	}
}

// jsonLines writes each message as one line. protojson inserts spaces that differ from
// build to build; they are removed.
func jsonLines[M proto.Message](list []M) []string {
	lines := make([]string, len(list))
	for i, m := range list {
		var b bytes.Buffer
		text := protojson.MarshalOptions{UseProtoNames: true}.Format(m)
		if err := json.Compact(&b, []byte(text)); err != nil {
			lines[i] = text
			continue
		}
		lines[i] = b.String()
	}
	return lines
}
