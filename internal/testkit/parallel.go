package testkit

import (
	"flag"
	"strconv"
)

// AtOnce has n tests of a package run at the same time, unless -parallel says otherwise. It is
// for TestMain of packages whose tests wait for processes more than they compute: as many tests
// as there are processors, which is what go test runs, would leave the processors idle.
func AtOnce(n int) error {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if chosen {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(n))
}
