// Package due keeps what has to be looked at again at a certain time, in one queue by that
// time, so that nothing is walked to find what is over.
//
// The queue is corrected lazily. A thing may be in it too early, since what it waits for was
// put off, or though it is gone: whoever takes it out looks at the thing itself, and puts it
// back at its true time. So a renewal, of which there are many, does not touch the queue.
package due
