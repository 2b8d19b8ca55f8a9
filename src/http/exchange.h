#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "http/message.h"

namespace axle::http {

enum class WriteResult : std::uint8_t {
  kQueued,  // Taken; on its way.
  kFull,    // Taken, but more waits than the limit (ServerOptions::stream_queue_bytes): pause until
            // on_drain. Who then goes on and writes four times the limit has the client cut off.
  kClosed,  // Not taken: the client is gone or was cut off, or the stream is finished. Stop
            // working.
};

// The body of an answer that is produced piece by piece. Each write is sent at once (chunked coding
// for HTTP/1.1, plain bytes until the close for HTTP/1.0); writes that wait together may share a
// chunk. Dropping the last pointer without finish() breaks the connection off, which the client
// sees as an incomplete answer.
//
// Held by shared_ptr because the producer of the text and the timer that sends pings both write,
// and neither knows which of them is last.
//
// Threading: safe from any thread.
class BodyStream {
 public:
  BodyStream() = default;
  BodyStream(const BodyStream&) = delete;
  BodyStream& operator=(const BodyStream&) = delete;
  virtual ~BodyStream() = default;

  // Sends `bytes`; never blocks. Empty bytes only ask for the state.
  virtual WriteResult write(std::string bytes) = 0;

  // `callback` runs each time the queue has emptied to half its limit after a kFull. It runs on an
  // I/O thread, or at once on the calling one when that has already happened; it must not block.
  // Replaces an earlier callback.
  virtual void on_drain(std::function<void()> callback) = 0;

  // The body is complete. Later writes give kClosed. Calling it again does nothing.
  virtual void finish() = 0;
};

// One request and its answer. The handler answers with respond() or start_stream(), at once or
// later, from any thread, exactly once. Dropping the last pointer unanswered sends a 500.
//
// Held by shared_ptr because a handler hands it on to whatever produces the answer later, often to
// several callbacks of which any may be the one that answers.
//
// Threading: safe from any thread. Callbacks run once, with no lock held, on an I/O thread (or on
// the calling one when the event is already past) and must not block. They must not own the
// exchange, or it could never be dropped; take a weak_ptr.
// Lifetime: may outlive the server; then all calls do nothing.
class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  // Unchanged as long as the exchange lives.
  virtual const Request& request() const = 0;

  // Sends the whole answer. A second answer is dropped and logged.
  virtual void respond(Response response) = 0;

  // Sends status and headers now; `head.body`, if any, is the first write. Never null: after an
  // earlier answer or a disconnect the stream's writes give kClosed.
  virtual std::shared_ptr<BodyStream> start_stream(Response head) = 0;

  // `callback` runs when the client has gone before the answer was complete, whatever the phase:
  // nothing sent, half-way, or cut off for not reading or by the end of the server. A client that
  // shuts down its sending side counts as gone. Not run once the answer has been given in full.
  virtual void on_disconnect(std::function<void()> callback) = 0;
  // True once the client has gone.
  virtual bool client_gone() const = 0;

  // `callback` runs when Server::stop's grace is over and the answer is not complete: say so to the
  // client and finish; the connection is cut shortly after.
  virtual void on_stop(std::function<void()> callback) = 0;
};

}  // namespace axle::http
