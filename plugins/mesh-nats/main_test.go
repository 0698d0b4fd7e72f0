package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/meshos/meshos/internal/catalogtest"
)

func TestMain(m *testing.M) {
	if node := os.Getenv(idleEnv); node != "" {
		fmt.Fprintln(os.Stderr, runIdle(node))
		os.Exit(1)
	}
	catalogtest.Main(m, main)
}
