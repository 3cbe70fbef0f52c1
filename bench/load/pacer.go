package main

import (
	"math/rand"
	"sync/atomic"
	"syscall"
	"time"
)

// pacer hands out the intended starts of an open loop, whether or not anybody is free to take them: a request that has
// to wait for a connection has waited since its intended start, and is measured so.
type pacer struct {
	// Intended within the measured time.
	intended atomic.Int64
	// Most that waited for a connection.
	backlog atomic.Int64
	// Found the queue full: never sent.
	dropped atomic.Int64
}

// startPacer spaces the starts as independent callers would: exponential gaps, the same in every run.
func startPacer(r *run, began time.Time) *pacer {
	p := &pacer{}
	random := rand.New(rand.NewSource(1))
	go func() {
		defer close(r.starts)
		at := began
		for {
			at = at.Add(time.Duration(random.ExpFloat64() / *rate * 1e9))
			if !at.Before(r.to) {
				return
			}
			// The runtime's own timers are a millisecond late when it is busy.
			if d := time.Until(at); d > 0 {
				ts := syscall.NsecToTimespec(int64(d))
				syscall.Nanosleep(&ts, nil)
			}
			if !at.Before(r.from) {
				p.intended.Add(1)
			}
			select {
			case r.starts <- at:
			default:
				p.dropped.Add(1)
			}
			if n := int64(len(r.starts)); n > p.backlog.Load() {
				p.backlog.Store(n)
			}
		}
	}()
	return p
}
