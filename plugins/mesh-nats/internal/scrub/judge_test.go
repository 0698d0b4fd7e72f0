package scrub

import (
	"reflect"
	"testing"
)

// steady returns looks at which the holders say the same every time.
func steady(views ...View) (looks [][]View) {
	for range Looks {
		looks = append(looks, views)
	}
	return looks
}

func view(holder, last, messages uint64, change ...func(*View)) View {
	v := View{Holder: holder, First: 1, Last: last, Messages: messages, Read: true, Copy: Copy{Sums: map[uint64]Sum{}}}
	for number := range last {
		v.Add(number+1, number*7)
	}
	for _, c := range change {
		c(&v)
	}
	return v
}

func damaged(v *View) { v.Faults = []string{"1.blk is damaged"} }
func lost(v *View)    { v.Lost = true }
func other(v *View)   { v.Add(5, 5); s := v.Sums[0]; s.Messages--; v.Sums[0] = s }

func TestJudge(t *testing.T) {
	short := [][]View{}
	for i := range uint64(Looks) { // it lacks ever more, and catches up: messages come and go
		short = append(short, []View{view(1, 3000, 3000-i), view(2, 3000, 3000-(i+2)%3), view(3, 3000, 3000-i)})
	}
	for name, c := range map[string]struct {
		holders int
		looks   [][]View
		bad     []uint64
		unknown bool
	}{
		"all is well":                        {3, steady(view(1, 3000, 3000), view(2, 3000, 3000), view(3, 3000, 3000)), nil, false},
		"a damaged file":                     {3, steady(view(1, 3000, 3000), view(2, 3000, 3000, damaged), view(3, 3000, 3000)), []uint64{2}, false},
		"two damaged files":                  {3, steady(view(1, 3000, 3000, damaged), view(2, 3000, 3000, damaged), view(3, 3000, 3000)), []uint64{1, 2}, false},
		"all are damaged":                    {2, steady(view(1, 3000, 3000, damaged), view(2, 3000, 3000, damaged)), nil, true},
		"one of one is damaged":              {1, steady(view(1, 3000, 3000, damaged)), nil, true},
		"cut off":                            {3, steady(view(1, 3000, 1500), view(2, 3000, 3000), view(3, 3000, 3000)), []uint64{1}, false},
		"emptied, and nothing comes":         {3, steady(view(1, 0, 0), view(2, 3000, 3000), view(3, 3000, 3000)), []uint64{1}, false},
		"another content":                    {3, steady(view(1, 3000, 3000), view(2, 3000, 3000), view(3, 3000, 3000, other)), []uint64{3}, false},
		"the short one is right":             {3, steady(view(1, 3000, 3000), view(2, 3000, 2999), view(3, 3000, 2999)), []uint64{1}, false},
		"two, and one is cut off":            {2, steady(view(1, 3000, 1500), view(2, 3000, 3000)), nil, true},
		"two, and one says that it lost":     {2, steady(view(1, 3000, 1500, lost), view(2, 3000, 3000)), []uint64{1}, false},
		"three that all differ":              {3, steady(view(1, 3000, 1500), view(2, 3000, 3000), view(3, 3000, 2000)), nil, true},
		"two of five answer, and differ":     {5, steady(view(1, 3000, 1500), view(2, 3000, 3000)), nil, true},
		"cut off, and a damaged one":         {3, steady(view(1, 3000, 1500), view(2, 3000, 3000, damaged), view(3, 3000, 3000)), []uint64{2}, true},
		"messages come and go":               {3, short, nil, false},
		"one look says nothing about counts": {3, steady(view(1, 3000, 1500), view(2, 3000, 3000), view(3, 3000, 3000))[:1], nil, false},
	} {
		got := Judge(c.holders, c.looks)
		var bad []uint64
		for _, f := range got.Bad {
			bad = append(bad, f.Holder)
		}
		if !reflect.DeepEqual(bad, c.bad) || (got.Unknown != "") != c.unknown {
			t.Errorf("%s: %+v", name, got)
		}
		if (bad != nil || c.unknown) && !Suspicious(c.looks[0], c.looks[0]) {
			t.Errorf("%s: not suspicious", name)
		}
	}
	same := []View{view(1, 3000, 3000), view(2, 3000, 3000)}
	behind := []View{view(1, 3000, 3000), view(2, 2990, 2990)}
	if Suspicious(same, same) || Suspicious(same, behind) || Suspicious(behind, same) {
		t.Error("replicas that are equal, or on their way, are suspicious")
	}
}
