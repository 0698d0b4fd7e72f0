package main

import (
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestOneSeedOrders(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 1)
	for i := range 10 {
		if err := all[i%2].order(t.Context(), fmt.Sprintf("entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	w.same(11, all...)
}

func TestThreeSeedsOrderFromAllAtOnce(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 3, 1)
	g, ctx := errgroup.WithContext(t.Context())
	for _, m := range all {
		g.Go(func() error {
			for i := range 75 {
				if err := m.order(ctx, fmt.Sprintf("entry %d of m%d", i, m.id)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	w.same(301, all...)
	seen := map[string]int{}
	for _, e := range all[0].record() {
		seen[string(e.GetEntry())]++
	}
	for text, n := range seen {
		if n != 1 {
			t.Errorf("%q is in the log %d times", text, n)
		}
	}
	if len(seen) != 301 {
		t.Errorf("%d different entries", len(seen))
	}
}

func TestAnEntryThatDoesNotComeNextIsRefused(t *testing.T) {
	t.Parallel()
	w, all := founded(t, 1, 0)
	one := all[0]
	if err := one.orderAt(t.Context(), 2, "second"); err != nil {
		t.Fatal(err)
	}
	w.same(2, one)
	for _, c := range []struct {
		height uint64
		text   string
		want   codes.Code
	}{
		{2, "another second", codes.Aborted},
		{4, "too far", codes.Aborted},
		{2, "second", codes.OK}, // it is in the log
		{3, "second", codes.OK}, // with the same id
	} {
		if err := one.orderAt(t.Context(), c.height, c.text); status.Code(err) != c.want {
			t.Errorf("%q at %d: %v, want %s", c.text, c.height, err, c.want)
		}
	}
	if n := len(one.record()); n != 2 {
		t.Errorf("%d entries", n)
	}
}
