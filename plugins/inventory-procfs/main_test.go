package main

import (
	"testing"

	"github.com/meshos/meshos/internal/catalogtest"
)

func TestMain(m *testing.M) { catalogtest.Main(m, main) }
