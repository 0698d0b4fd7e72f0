package loop

import (
	"context"
	"runtime"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/meshos/meshos/internal/testkit"
)

// TestQueueAgainstAModel offers and takes at random and compares with a slice.
func TestQueueAgainstAModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		places := rapid.IntRange(1, 300).Draw(t, "places")
		q := newQueue[int](places)
		var model []int // what is queued and not handed out
		held := 0       // handed out; the places are freed at the latest with the next window
		sent := 0
		t.Repeat(map[string]func(*rapid.T){
			"offer": func(t *rapid.T) {
				err := q.offer(sent)
				switch {
				case err == nil && len(model) >= places:
					t.Fatalf("took a %dth item into %d places", len(model)+1, places)
				case err != nil && len(model)+held < places:
					t.Fatalf("refused with %d of %d places taken: %v", len(model)+held, places, err)
				case err == nil:
					model = append(model, sent)
					sent++
				}
			},
			"next": func(t *rapid.T) {
				items := q.next(rapid.IntRange(1, 40).Draw(t, "most"))
				if len(items) == 0 && len(model) > 0 {
					t.Fatalf("handed out nothing of %d", len(model))
				}
				for i, item := range items {
					if item != model[i] {
						t.Fatalf("handed out %d, want %d", item, model[i])
					}
				}
				model = model[len(items):]
				held += len(items)
				if len(items) == 0 {
					held = 0
				}
			},
			"": func(t *rapid.T) {
				if d := q.depth(); d < len(model) || d > places {
					t.Fatalf("depth %d with %d queued and %d places", d, len(model), places)
				}
			},
		})
	})
}

// TestQueueLosesAndReordersNothing has many publishers, in all ways, fill a small queue while
// its owner empties it.
func TestQueueLosesAndReordersNothing(t *testing.T) {
	const publishers, each = 8, 5000
	type item struct{ from, n int }
	q := newQueue[item](64)
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for n := 0; n < each; {
				switch p % 3 {
				case 0:
					if q.offer(item{p, n}) == nil {
						n++
					} else {
						runtime.Gosched()
					}
				case 1:
					if _, err := q.put(context.Background(), []item{{p, n}}); err == nil {
						n++
					}
				default:
					batch := []item{{p, n}, {p, n + 1}, {p, n + 2}, {p, n + 3}, {p, n + 4}}
					ctx, cancel := context.WithTimeout(context.Background(), 50*time.Microsecond)
					moved, _ := q.put(ctx, batch)
					cancel()
					n += moved
				}
			}
		})
	}
	go func() {
		wg.Wait()
		q.seal()
	}()
	seen := make([]int, publishers)
	total := 0
	for {
		items := q.next(chunk)
		if len(items) == 0 {
			if q.drained {
				break
			}
			select {
			case <-q.ready:
			case <-time.After(testkit.Patience):
				t.Fatalf("nobody woke the owner; %d of %d items came", total, publishers*each)
			}
			continue
		}
		for _, it := range items {
			if it.n != seen[it.from] {
				t.Fatalf("publisher %d: item %d came where %d was due", it.from, it.n, seen[it.from])
			}
			seen[it.from]++
			total++
		}
	}
	for p, n := range seen {
		if n < each {
			t.Errorf("publisher %d: %d items of %d came", p, n, each)
		}
	}
}
