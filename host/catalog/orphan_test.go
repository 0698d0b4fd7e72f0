package catalog_test

import "time"

func hostUntilKilled(string) { time.Sleep(time.Hour) }
