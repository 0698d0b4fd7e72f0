package main

import (
	"flag"
	"fmt"
	"log"
	"net"
	"sync"
	"time"
)

func main() {
	address := flag.String("address", "", "to which all connections go")
	targets := flag.Int("targets", 10_000, "connections in a round")
	rounds := flag.Int("rounds", 1, "how many rounds, one after the other")
	atOnce := flag.Int("atonce", 256, "connections at the same time")
	flag.Parse()
	dialer := net.Dialer{Timeout: 10 * time.Second}
	for range *rounds {
		began := time.Now()
		work := make(chan struct{})
		var dialers sync.WaitGroup
		for range *atOnce {
			dialers.Go(func() {
				for range work {
					c, err := dialer.Dial("tcp", *address)
					if err != nil {
						log.Fatal(err)
					}
					_ = c.(*net.TCPConn).SetLinger(0) // else each leaves a socket in TIME_WAIT
					_ = c.Close()
				}
			})
		}
		for range *targets {
			work <- struct{}{}
		}
		close(work)
		dialers.Wait()
		fmt.Println(time.Since(began).Seconds())
	}
}
