// The parts of Asio and Beast that need compiling, once for the whole room.
#include <boost/asio/impl/src.hpp>
#include <boost/beast/src.hpp>
