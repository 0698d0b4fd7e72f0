package main

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("MESHOS_PLUGIN") != "" { // started by a catalog: see process_test.go
		main()
		return
	}
	goleak.VerifyTestMain(m)
}
