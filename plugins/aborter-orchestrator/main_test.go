package main

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/meshos/meshos/internal/catalogtest"
)

func TestMain(m *testing.M) {
	if catalogtest.Main(main) {
		return
	}
	goleak.VerifyTestMain(m)
}
