package main

import (
	"net/netip"
	"unsafe"

	"golang.org/x/sys/unix"
)

// queueBatch is how many messages of an error queue are read in one system call.
const queueBatch = sendBatch

// errorQueue reads the error queue of a socket. It is not package net's way, which has at most
// one reader of a socket, and one waits for replies all the time.
type errorQueue struct {
	control controller
	headers [queueBatch]mmsghdr
	vectors [queueBatch]unix.Iovec
	data    [queueBatch][readLen]byte
	oob     [queueBatch][oobLen]byte
	names   [queueBatch][unix.SizeofSockaddrInet6]byte
}

// mmsghdr is the kernel's struct of this name.
type mmsghdr struct {
	header unix.Msghdr
	length uint32
}

func newErrorQueue(c controller) *errorQueue { return &errorQueue{control: c} }

// read reads as many messages as there are, at most queueBatch, and returns how many. They are
// valid until the next call.
func (q *errorQueue) read() (n int) {
	for i := range q.headers {
		q.vectors[i].Base = &q.data[i][0]
		q.vectors[i].SetLen(readLen)
		h := &q.headers[i].header
		*h = unix.Msghdr{Name: &q.names[i][0], Namelen: unix.SizeofSockaddrInet6, Iov: &q.vectors[i], Control: &q.oob[i][0]}
		h.SetIovlen(1)
		h.SetControllen(oobLen)
	}
	_ = q.control.Control(func(fd uintptr) {
		got, _, errno := unix.Syscall6(unix.SYS_RECVMMSG, fd, uintptr(unsafe.Pointer(&q.headers[0])), queueBatch,
			unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT, 0, 0)
		if errno == 0 {
			n = int(got)
		}
	})
	return n
}

// message returns what was read: the packet, its control messages, and whom it was sent to.
func (q *errorQueue) message(i int) (data, oob []byte, to netip.Addr) {
	m := &q.headers[i]
	return q.data[i][:m.length], q.oob[i][:m.header.Controllen], socketAddress(q.names[i][:m.header.Namelen])
}
