package main

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats-server/v2/server"

	meshosv1 "github.com/meshos/meshos/proto/meshos/v1"
)

// The ordered log is a stream. Its messages go in on one subject, and are said to all on
// another one once the log has them.
const (
	stream     = "ADMIN"
	hubDomain  = "hub"
	logSubject = "m.log"
	logged     = "m.logged"
	directGet  = "$JS." + hubDomain + ".API.DIRECT.GET." + stream
)

// What nodes and seeds say to each other: nats.proto describes the messages. ID, SEED, TO and
// FROM are numbers of nodes.
func subjectBeat(id uint64) string         { return fmt.Sprintf("m.beat.%d", id) }
func subjectSaid(id uint64) string         { return fmt.Sprintf("m.said.%d", id) }
func subjectResay(id uint64) string        { return fmt.Sprintf("m.resay.%d", id) }
func subjectHello(seed, id uint64) string  { return fmt.Sprintf("m.hello.%d.%d", seed, id) }
func subjectReady(seed uint64) string      { return fmt.Sprintf("m.ready.%d", seed) }
func subjectViewAll(seed uint64) string    { return fmt.Sprintf("m.view.%d.all", seed) }
func subjectView(seed, id uint64) string   { return fmt.Sprintf("m.view.%d.%d", seed, id) }
func subjectSeed(seed uint64) string       { return fmt.Sprintf("m.seed.%d", seed) }
func subjectAsk(to, from uint64) string    { return fmt.Sprintf("m.ask.%d.%d", to, from) }
func subjectAnswer(to, from uint64) string { return fmt.Sprintf("m.answer.%d.%d", to, from) }

// What nodes that hold chains say to each other, from hub to hub.
func subjectHolder(id uint64) string        { return fmt.Sprintf("m.holder.%d", id) }
func subjectConsent(to, from uint64) string { return fmt.Sprintf("m.consent.%d.%d", to, from) }
func subjectScrub(to, from uint64) string   { return fmt.Sprintf("m.scrub.%d.%d", to, from) }
func subjectPull(to, from uint64) string    { return fmt.Sprintf("m.pull.%d.%d", to, from) }

// streamOf returns the name of the stream of a chain.
func streamOf(c *meshosv1.SetChain) string {
	if name := c.GetStream().GetName(); name != "" {
		return name
	}
	return fmt.Sprintf("c%d", c.GetChain())
}

// inbox returns the prefix of the subjects on which a node gets answers to its requests.
func inbox(id uint64) string { return fmt.Sprintf("m.in.%d", id) }

// split takes a subject apart: its kind ("beat"), and the numbers after it.
func split(subject string) (kind string, first, second uint64) {
	parts := strings.Split(subject, ".")
	if len(parts) < 2 || parts[0] != "m" {
		return "", 0, 0
	}
	number := func(i int) uint64 {
		if i >= len(parts) {
			return 0
		}
		n, _ := strconv.ParseUint(parts[i], 10, 64) // "all" is 0
		return n
	}
	return parts[1], number(2), number(3)
}

// allowed returns what a member may say to a hub and hear from it. It says nothing in the
// name of another one, and does not manage the stream.
func allowed(id uint64) *server.Permissions {
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: []string{
			logSubject, directGet, subjectBeat(id), subjectSaid(id), "m.ready.*",
			fmt.Sprintf("m.hello.*.%d", id), fmt.Sprintf("m.ask.*.%d", id), fmt.Sprintf("m.answer.*.%d", id),
		}},
		Subscribe: &server.SubjectPermission{Allow: []string{
			logged, subjectResay(id), "m.view.*.all", fmt.Sprintf("m.view.*.%d", id),
			fmt.Sprintf("m.ask.%d.*", id), fmt.Sprintf("m.answer.%d.*", id), inbox(id) + ".>",
		}},
	}
}
