package main

import (
	"testing"
	"time"
)

func TestStall(t *testing.T) {
	start := time.Unix(1000, 0)
	var s stall
	if until := s.woke(start); until.After(start) {
		t.Errorf("held at the first wake until %v", until)
	}
	s.sleep(start.Add(time.Second))
	if now := start.Add(time.Second + stalled); s.woke(now).After(now) {
		t.Error("held although the wake was hardly late")
	}
	s.sleep(start.Add(2 * time.Second))
	now := start.Add(5 * time.Second)
	if until := s.woke(now); !until.Equal(now.Add(catchUp)) {
		t.Errorf("three seconds late: held until %v", until)
	}
	s.sleep(now.Add(catchUp))
	now = now.Add(catchUp + time.Second)
	if until := s.woke(now); until.After(now) {
		t.Errorf("late again after a hold, and held until %v: nobody is ever found silent", until)
	}
	s.sleep(now.Add(time.Second))
	now = now.Add(3 * time.Second)
	if until := s.woke(now); !until.After(now) {
		t.Error("not held after the next delay")
	}
	now = now.Add(catchUp)
	s.woke(now)
	if until := s.woke(now.Add(time.Hour)); until.After(now.Add(time.Hour)) {
		t.Error("held after a sleep without a plan")
	}
}
