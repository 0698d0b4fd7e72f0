package host

import "testing"

func TestIMP17_EveryProcessHasAnEpochOfItsOwn(t *testing.T) {
	seen := map[uint64]bool{0: true}
	for range 100 {
		epoch, err := newEpoch()
		if err != nil {
			t.Fatal(err)
		}
		if seen[epoch] {
			t.Fatalf("epoch %d is 0 or was there before", epoch)
		}
		seen[epoch] = true
	}
}
