package main

import (
	"fmt"
	"os"
	"testing"

	"github.com/meshos/meshos/internal/catalogtest"
)

// holdLock makes this test binary lock a folder until its stdin ends: a second
// process for the test of the lock.
const holdLock = "APPENDER_JSONL_TEST_HOLD_LOCK"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holdLock); dir != "" {
		if _, err := lockFolder(dir); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("locked")
		_, _ = os.Stdin.Read(make([]byte, 1))
		os.Exit(0)
	}
	catalogtest.Main(m, main)
}
