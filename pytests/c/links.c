/* Links, addresses and routes, in network namespaces of the test's own: root's, or those of a user namespace. */
#include "links.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static minicontain_link *cable(const minicontain_namespace *ns, const char *name, const minicontain_namespace *peer_ns,
                               const char *peer)
{
    minicontain_link *link = NULL;
    CHECK_OK(minicontain_link_create_veth(ns, name, peer_ns, peer, &link));
    return link;
}

static void delete(minicontain_link *link)
{
    CHECK_OK(minicontain_link_delete(link));
    minicontain_link_free(link);
}

static void a_new_network_has_a_loopback_that_is_down(void)
{
    minicontain_namespace *net = new_net(), *same = NULL;
    minicontain_links *links = NULL;
    minicontain_strings *addresses = NULL;
    minicontain_link_state *state;
    const minicontain_link *lo;

    CHECK_OK(minicontain_links_of(net, &links));
    CHECK(minicontain_links_count(links) == 1 && minicontain_links_at(links, 1) == NULL);
    lo = minicontain_links_at(links, 0);
    CHECK_STRING(minicontain_link_name(lo), "lo");
    CHECK(minicontain_link_index(lo) == 1);
    CHECK_OK(minicontain_link_namespace(lo, &same));
    CHECK(minicontain_namespace_equal(same, net));
    minicontain_namespace_free(same);
    state = state_of(lo);
    CHECK(!minicontain_link_state_up(state) && minicontain_link_state_mtu(state) == 65536);
    CHECK_STRING(minicontain_link_state_kind(state), "");
    CHECK_STRING(minicontain_link_state_mac(state), "00:00:00:00:00:00");
    CHECK(minicontain_link_state_master(state) == 0 && minicontain_link_state_lower(state) == 0);
    minicontain_link_state_free(state);

    CHECK_OK(minicontain_link_addresses(lo, &addresses));
    CHECK(minicontain_strings_count(addresses) == 0);
    minicontain_strings_free(addresses);
    CHECK_OK(minicontain_link_up(lo));
    CHECK(is_up(lo));
    CHECK_OK(minicontain_link_addresses(lo, &addresses));
    CHECK(is_among(addresses, "127.0.0.1/8"));
    minicontain_strings_free(addresses);
    CHECK_OK(minicontain_link_down(lo));
    CHECK(!is_up(lo));
    CHECK_ERROR(minicontain_link_delete(lo), MINICONTAIN_CODE_NOT_SUPPORTED);
    minicontain_links_free(links);
    minicontain_namespace_free(net);
}

/* A socket for datagrams in a namespace, at a port that the kernel chooses. */
static int socket_at(const minicontain_namespace *ns, const char *address, struct sockaddr_in *name)
{
    socklen_t length = sizeof *name;
    int fd = -1;

    CHECK_OK(minicontain_namespace_socket(ns, AF_INET, SOCK_DGRAM, 0, &fd));
    memset(name, 0, sizeof *name);
    name->sin_family = AF_INET;
    CHECK(inet_pton(AF_INET, address, &name->sin_addr) == 1);
    CHECK(bind(fd, (struct sockaddr *)name, sizeof *name) == 0);
    CHECK(getsockname(fd, (struct sockaddr *)name, &length) == 0);
    return fd;
}

/* The kernel says that a link is up a moment later. */
static void wait_until_it_carries(const minicontain_link *link)
{
    bool up = false;
    int i;

    for (i = 0; i < 5000 && !up; i++) {
        minicontain_link_state *state = state_of(link);
        up = strcmp(minicontain_link_state_operstate(state), "up") == 0;
        minicontain_link_state_free(state);
        usleep(1000);
    }
    CHECK(up);
}

/* Sends a datagram from one to the other. */
static void send_one(int from, int to, const struct sockaddr_in *name)
{
    struct timeval patience = {20, 0};
    char received[8] = "";

    CHECK(setsockopt(to, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0);
    CHECK(sendto(from, "ping", 4, 0, (const struct sockaddr *)name, sizeof *name) == 4);
    CHECK(recv(to, received, sizeof received, 0) == 4);
    CHECK_STRING(received, "ping");
}

static void two_networks_talk_through_a_cable(void)
{
    minicontain_namespace *left = new_net(), *right = new_net();
    minicontain_link *veth0 = cable(left, "veth0", right, "veth1"), *veth1 = link_of(right, "veth1");
    minicontain_link_state *state = NULL;
    minicontain_strings *texts = NULL;
    struct sockaddr_in at_left, at_right;
    char *json = NULL;
    int one, other;

    CHECK_OK(minicontain_link_add_address(veth0, "10.16.8.1/24"));
    CHECK_ERROR(minicontain_link_add_address(veth0, "10.16.8.1/24"), MINICONTAIN_CODE_ADDRESS_IN_USE);
    CHECK_OK(minicontain_link_add_address(veth1, "10.16.8.2/24"));
    CHECK_OK(minicontain_link_up(veth0));
    CHECK_OK(minicontain_link_up(veth1));
    wait_until_it_carries(veth0);

    one = socket_at(left, "10.16.8.1", &at_left);
    other = socket_at(right, "10.16.8.2", &at_right);
    send_one(one, other, &at_right);
    send_one(other, one, &at_left);
    close(one);
    close(other);
    state = state_of(veth0);
    CHECK_STRING(minicontain_link_state_name(state), "veth0");
    CHECK_STRING(minicontain_link_state_kind(state), "veth");
    CHECK(minicontain_link_state_index(state) == minicontain_link_index(veth0));
    CHECK(minicontain_link_state_lower(state) == minicontain_link_index(veth1));
    CHECK_STRING(minicontain_link_state_operstate(state), "up");
    CHECK_STRING(minicontain_link_state_qdisc(state), "noqueue");
    CHECK(minicontain_link_state_counter(state, MINICONTAIN_COUNTER_TX_PACKETS) > 0);
    CHECK(minicontain_link_state_counter(state, MINICONTAIN_COUNTER_RX_BYTES) > 4);
    CHECK(minicontain_link_state_counter(state, MINICONTAIN_COUNTER_COLLISIONS) == 0);
    CHECK(minicontain_link_state_counter(state, 10) == UINT64_MAX);
    CHECK(minicontain_link_state_counter(state, -1) == UINT64_MAX);
    minicontain_link_state_free(state);
    CHECK_OK(minicontain_link_state_of_peer(veth0, &state));
    CHECK_STRING(minicontain_link_state_name(state), "veth1");
    CHECK(minicontain_link_state_up(state));
    minicontain_link_state_free(state);

    CHECK_OK(minicontain_link_describe(veth0, &json));
    CHECK_CONTAINS(json, "\"name\":\"veth0\"");
    CHECK_CONTAINS(json, "\"lower_name\":\"veth1\"");
    CHECK_CONTAINS(json, "\"10.16.8.1/24\"");
    minicontain_string_free(json);
    CHECK_OK(minicontain_links_describe(left, &json));
    CHECK_CONTAINS(json, "\"routes\":[{\"destination\":\"10.16.8.0/24\"");
    CHECK_CONTAINS(json, "\"neighbours\":[");
    CHECK_CONTAINS(json, "{\"address\":\"10.16.8.2\"");
    minicontain_string_free(json);

    texts = minicontain_link_history(veth0);
    CHECK(minicontain_strings_count(texts) == 4);
    CHECK_CONTAINS(minicontain_strings_at(texts, 0), "ip link add veth0 type veth peer name veth1 netns /proc/");
    CHECK_CONTAINS(minicontain_strings_at(texts, 1), "ip address add 10.16.8.1/24 broadcast + dev veth0");
    CHECK_CONTAINS(minicontain_strings_at(texts, 3), "ip link set dev veth0 up");
    CHECK_STRING(minicontain_strings_at(texts, 4), "");
    minicontain_strings_free(texts);

    CHECK_OK(minicontain_link_remove_address(veth0, "10.16.8.1/24"));
    CHECK_ERROR(minicontain_link_remove_address(veth0, "10.16.8.1/24"), MINICONTAIN_CODE_IO);
    CHECK_OK(minicontain_link_addresses(veth0, &texts));
    CHECK(!is_among(texts, "10.16.8.1/24"));
    minicontain_strings_free(texts);
    delete(veth0);
    CHECK_ERROR(minicontain_link_up(veth1), MINICONTAIN_CODE_LINK_NOT_FOUND);
    CHECK_ERROR(minicontain_link_state_of(veth1, &state), MINICONTAIN_CODE_LINK_NOT_FOUND);
    CHECK(state == NULL);
    minicontain_link_free(veth1);
    minicontain_namespace_free(left);
    minicontain_namespace_free(right);
}

static void a_link_is_changed_and_moves(void)
{
    minicontain_namespace *here = new_net(), *there = new_net(), *found = NULL;
    minicontain_link *link = cable(here, "veth0", NULL, "veth1"), *bridge = NULL, *other = NULL, *at_home = NULL;
    minicontain_link_state *state;

    CHECK_OK(minicontain_link_set_mtu(link, 1400));
    CHECK_ERROR(minicontain_link_set_mtu(link, 1), MINICONTAIN_CODE_IO);
    CHECK_OK(minicontain_link_set_mac(link, "02:00:00:00:00:2A"));
    CHECK_ERROR(minicontain_link_set_mac(link, "01:00:00:00:00:00"), MINICONTAIN_CODE_IO);
    CHECK_OK(minicontain_link_create_bridge(here, "br0", &bridge));
    CHECK_OK(minicontain_link_set_master(link, bridge));
    state = state_of(link);
    CHECK(minicontain_link_state_mtu(state) == 1400);
    CHECK_STRING(minicontain_link_state_mac(state), "02:00:00:00:00:2a");
    CHECK(minicontain_link_state_master(state) == minicontain_link_index(bridge));
    minicontain_link_state_free(state);
    CHECK_ERROR(minicontain_link_set_master(bridge, link), MINICONTAIN_CODE_IO);
    CHECK_OK(minicontain_link_set_master(link, NULL));

    CHECK_ERROR(minicontain_link_rename(link, "br0"), MINICONTAIN_CODE_LINK_EXISTS);
    CHECK_STRING(minicontain_link_name(link), "veth0");
    CHECK_OK(minicontain_link_rename(link, "cable"));
    CHECK_STRING(minicontain_link_name(link), "cable");
    CHECK_ERROR(minicontain_link_get(here, "veth0", &at_home), MINICONTAIN_CODE_LINK_NOT_FOUND);
    CHECK(at_home == NULL);

    other = cable(there, "cable", NULL, "tail");
    CHECK_ERROR(minicontain_link_move_to(link, there), MINICONTAIN_CODE_LINK_EXISTS);
    delete(other);
    CHECK_OK(minicontain_link_move_to(link, there));
    CHECK_STRING(minicontain_link_name(link), "cable");
    CHECK_OK(minicontain_link_namespace(link, &found));
    CHECK(minicontain_namespace_equal(found, there));
    minicontain_namespace_free(found);
    CHECK(has_links(here, 3) && has_links(there, 2));
    CHECK_ERROR(minicontain_link_move_to(bridge, there), MINICONTAIN_CODE_NOT_SUPPORTED);
    delete(bridge);
    delete(link);
    CHECK(has_links(here, 1) && has_links(there, 1));
    minicontain_namespace_free(here);
    minicontain_namespace_free(there);
}

/* A link of this kind was made; or this kernel has none, or keeps /dev/net/tun from this user, which is told. */
static void made(minicontain_error *error, minicontain_link *link, const char *name, const char *kind)
{
    minicontain_link_state *state;

    if (minicontain_error_code(error) == MINICONTAIN_CODE_NOT_SUPPORTED) {
        CHECK(link == NULL);
        CHECK_CONTAINS(minicontain_error_hint(error), "modprobe");
        minicontain_error_free(error);
        return;
    }
    if (minicontain_error_code(error) == MINICONTAIN_CODE_PERMISSION_DENIED && owner != NULL) {
        CHECK_STRING(minicontain_error_path(error), "/dev/net/tun");
        minicontain_error_free(error);
        return;
    }
    CHECK_OK(error);
    CHECK_STRING(minicontain_link_name(link), name);
    state = state_of(link);
    CHECK_STRING(minicontain_link_state_kind(state), kind);
    minicontain_link_state_free(state);
    delete(link);
}

static void links_of_every_kind(void)
{
    static const char *const modes[] = {"private", "vepa", "bridge", "passthru", NULL};
    minicontain_namespace *net = new_net();
    minicontain_link *veth = cable(net, "veth0", NULL, "veth1"), *link = NULL;
    minicontain_strings *history;
    minicontain_error *error;
    size_t i;

    for (i = 0; i < 5; i++) {
        error = minicontain_link_create_macvlan(net, "macvlan0", "veth0", modes[i], &link);
        history = minicontain_link_history(link);
        CHECK_CONTAINS(minicontain_strings_at(history, 0), modes[i] == NULL ? "mode bridge" : modes[i]);
        minicontain_strings_free(history);
        made(error, link, "macvlan0", "macvlan");
    }
    error = minicontain_link_create_ipvlan(net, "ipvlan0", "veth0", "l3", &link);
    made(error, link, "ipvlan0", "ipvlan");
    error = minicontain_link_create_vlan(net, "veth0.5", "veth0", 5, &link);
    made(error, link, "veth0.5", "vlan");
    error = minicontain_link_create_vxlan(net, "vxlan0", 42, "10.16.8.1", "10.16.9.1", NULL, 0, &link);
    history = minicontain_link_history(link);
    CHECK_CONTAINS(minicontain_strings_at(history, 0), "id 42 local 10.16.8.1 remote 10.16.9.1 dstport 4789");
    minicontain_strings_free(history);
    made(error, link, "vxlan0", "vxlan");
    error = minicontain_link_create_vxlan(net, "vxlan1", 43, NULL, "239.1.1.1", "veth0", 8472, &link);
    made(error, link, "vxlan1", "vxlan");
    error = minicontain_link_create_tap(net, "tap0", &link);
    made(error, link, "tap0", "tun");
    error = minicontain_link_create_tun(net, "tun0", &link);
    made(error, link, "tun0", "tun");
    error = minicontain_link_create_dummy(net, "dummy0", &link);
    made(error, link, "dummy0", "dummy");
    delete(veth);
    CHECK(has_links(net, 1));
    minicontain_namespace_free(net);
}

static void routes_come_and_go(void)
{
    minicontain_namespace *net = new_net();
    minicontain_link *veth0 = cable(net, "veth0", NULL, "veth1"), *veth1 = link_of(net, "veth1");
    minicontain_strings *routes = NULL;
    minicontain_error *error;
    size_t i;

    CHECK_OK(minicontain_link_add_address(veth0, "10.16.8.1/24"));
    CHECK_OK(minicontain_link_up(veth0));
    CHECK_OK(minicontain_link_up(veth1));
    CHECK_OK(minicontain_routes(net, &routes));
    CHECK(is_among(routes, "10.16.8.0/24 dev veth0 src 10.16.8.1"));
    minicontain_strings_free(routes);
    CHECK_OK(minicontain_route_add(net, "default via 10.16.8.2"));
    CHECK_OK(minicontain_route_add(net, "10.20.0.0/16 via 10.16.8.3 dev veth0 metric 5"));
    CHECK_ERROR(minicontain_route_add(net, "default via 10.16.8.2"), MINICONTAIN_CODE_ADDRESS_IN_USE);
    CHECK_ERROR(minicontain_route_add(net, "10.30.0.0/16 dev nowhere"), MINICONTAIN_CODE_LINK_NOT_FOUND);
    error = minicontain_route_add(net, "10.30.0.0/16 via 10.99.0.1");
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_IO);
    CHECK(minicontain_error_errno(error) == ENETUNREACH);
    CHECK_CONTAINS(minicontain_error_message(error), "ip route add 10.30.0.0/16 via 10.99.0.1");
    minicontain_error_free(error);
    CHECK_OK(minicontain_routes(net, &routes));
    CHECK(is_among(routes, "default via 10.16.8.2 dev veth0"));
    CHECK(is_among(routes, "10.20.0.0/16 via 10.16.8.3 dev veth0 metric 5"));
    /* What was listed can be removed as it stands. */
    for (i = 0; i < minicontain_strings_count(routes); i++)
        if (strstr(minicontain_strings_at(routes, i), " via ") != NULL)
            CHECK_OK(minicontain_route_remove(net, minicontain_strings_at(routes, i)));
    minicontain_strings_free(routes);
    CHECK_ERROR(minicontain_route_remove(net, "default via 10.16.8.2"), MINICONTAIN_CODE_IO);
    CHECK_ERROR(minicontain_route_remove(net, "10.20.0.0/16 dev veth0"), MINICONTAIN_CODE_IO);
    minicontain_link_free(veth1);
    delete(veth0);
    minicontain_namespace_free(net);
}

static void a_rate_is_limited(void)
{
    minicontain_namespace *net = new_net();
    minicontain_link *veth = cable(net, "veth0", NULL, "veth1");
    minicontain_link_state *state;
    minicontain_strings *history;
    minicontain_error *error;

    CHECK_OK(minicontain_link_limit(veth, 10000000, 0, 0));
    state = state_of(veth);
    CHECK_STRING(minicontain_link_state_qdisc(state), "tbf");
    minicontain_link_state_free(state);
    CHECK_OK(minicontain_link_limit(veth, 20000000, 4096, 25000000));
    history = minicontain_link_history(veth);
    CHECK_CONTAINS(minicontain_strings_at(history, 1),
                   "tc qdisc replace dev veth0 root tbf rate 10000000bit burst 32768 latency 50000us");
    CHECK_CONTAINS(minicontain_strings_at(history, 2),
                   "tc qdisc replace dev veth0 root tbf rate 20000000bit burst 4096 latency 25000us");
    minicontain_strings_free(history);
    CHECK_OK(minicontain_link_unlimit(veth));
    CHECK_ERROR(minicontain_link_unlimit(veth), MINICONTAIN_CODE_IO);
    CHECK_ERROR(minicontain_link_limit(veth, 0, 0, 0), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_ERROR(minicontain_link_delay(veth, UINT64_MAX, 0), MINICONTAIN_CODE_INVALID_SPEC);
    error = minicontain_link_delay(veth, 1000000, 0);
    if (minicontain_error_code(error) == MINICONTAIN_CODE_NOT_SUPPORTED) {
        CHECK_CONTAINS(minicontain_error_hint(error), "netem");
        minicontain_error_free(error);
    } else {
        CHECK_OK(error);
    }
    delete(veth);
    minicontain_namespace_free(net);
}

/* A fault of this field. */
static void check_fault(int line, minicontain_error *error, const char *field)
{
    if (minicontain_error_code(error) != MINICONTAIN_CODE_INVALID_SPEC ||
        strcmp(minicontain_error_fault_field(error, 0), field) != 0)
        check_report(__FILE__, line, field, minicontain_error_message(error));
    minicontain_error_free(error);
}
#define CHECK_FAULT(call, field) check_fault(__LINE__, (call), (field))

static void what_cannot_be_is_told(void)
{
    minicontain_namespace *net = new_net(), *uts = make("uts", owner);
    minicontain_link *link = (minicontain_link *)&link, *lo = link_of(net, "lo");
    minicontain_links *links = (minicontain_links *)&links;
    minicontain_strings *strings = (minicontain_strings *)&strings;
    minicontain_link_state *state = NULL;
    char *json = (char *)&json;

    CHECK_FAULT(minicontain_link_create_bridge(net, "much too long a name", &link), "name");
    CHECK(link == NULL);
    CHECK_FAULT(minicontain_link_get(net, "a/b", &link), "name");
    CHECK_FAULT(minicontain_link_get(uts, "lo", &link), "namespace");
    CHECK_FAULT(minicontain_links_of(uts, &links), "namespace");
    CHECK(links == NULL);
    CHECK_FAULT(minicontain_link_create_veth(net, "veth0", uts, "veth1", &link), "peer_namespace");
    CHECK_FAULT(minicontain_link_create_veth(net, "veth0", NULL, "", &link), "peer");
    CHECK_FAULT(minicontain_link_create_macvlan(net, "m0", "lo", "bus", &link), "mode");
    CHECK_FAULT(minicontain_link_create_ipvlan(net, "i0", "lo", "l4", &link), "mode");
    CHECK_FAULT(minicontain_link_create_vlan(net, "v0", "lo", 0, &link), "id");
    CHECK_FAULT(minicontain_link_create_vxlan(net, "v0", 1 << 24, NULL, NULL, NULL, 0, &link), "id");
    CHECK_FAULT(minicontain_link_create_vxlan(net, "v0", 1, "here", NULL, NULL, 0, &link), "local");
    CHECK_FAULT(minicontain_link_create_vxlan(net, "v0", 1, "10.0.0.1", "fd00::1", NULL, 0, &link), "remote");
    CHECK_FAULT(minicontain_link_add_address(lo, "10.0.0.1/33"), "address");
    CHECK_FAULT(minicontain_link_set_mac(lo, "02"), "mac");
    CHECK_FAULT(minicontain_link_move_to(lo, uts), "namespace");
    CHECK_FAULT(minicontain_route_add(net, "default by nobody"), "route");
    CHECK_FAULT(minicontain_route_add(net, "10.0.0.1/8 dev lo"), "destination");
    CHECK_ERROR(minicontain_link_create_vlan(net, "v0", "none", 1, &link), MINICONTAIN_CODE_LINK_NOT_FOUND);
    CHECK_OK(minicontain_link_create_bridge(net, "br0", &link));
    CHECK_OK(minicontain_link_state_of_peer(link, &state));
    CHECK(state == NULL);
    delete(link);

    CHECK_ERROR(minicontain_link_get(net, NULL, &link), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_link_get(net, "lo", NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_link_get(net, "\xff", &link), MINICONTAIN_FACE_CODE_NOT_UTF8);
    CHECK_ERROR(minicontain_link_up(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_link_rename(NULL, "a"), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_link_move_to(NULL, net), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_link_addresses(NULL, &strings), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(strings == NULL);
    CHECK_ERROR(minicontain_link_describe(NULL, &json), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(json == NULL);
    CHECK_ERROR(minicontain_route_add(net, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_STRING(minicontain_link_name(NULL), "");
    CHECK(minicontain_link_index(NULL) == 0 && minicontain_link_history(NULL) == NULL);
    CHECK(minicontain_links_count(NULL) == 0 && minicontain_links_at(NULL, 0) == NULL);
    CHECK(minicontain_strings_count(NULL) == 0);
    CHECK_STRING(minicontain_strings_at(NULL, 0), "");
    CHECK(minicontain_link_state_counter(NULL, MINICONTAIN_COUNTER_RX_BYTES) == UINT64_MAX);
    minicontain_link_free(NULL);
    minicontain_links_free(NULL);
    minicontain_strings_free(NULL);
    minicontain_link_state_free(NULL);
    minicontain_link_free(lo);
    minicontain_namespace_free(net);
    minicontain_namespace_free(uts);
}

/* Nobody but root changes the network that an ordinary user is in. */
static void who_lacks_the_privilege_is_told_which(void)
{
    minicontain_link *lo = link_of(NULL, "lo"), *link = NULL;
    minicontain_error *error = minicontain_link_down(lo);

    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_PERMISSION_DENIED);
    CHECK(minicontain_error_errno(error) == EPERM);
    CHECK_CONTAINS(minicontain_error_message(error), "ip link set dev lo down");
    CHECK_CONTAINS(minicontain_error_hint(error), "CAP_NET_ADMIN");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_link_create_bridge(NULL, "br0", &link), MINICONTAIN_CODE_PERMISSION_DENIED);
    CHECK_ERROR(minicontain_route_add(NULL, "10.99.0.0/16 dev lo"), MINICONTAIN_CODE_PERMISSION_DENIED);
    minicontain_link_free(lo);
}

/* The network of the thread that asks is meant where none is named. */
static void a_network_is_the_threads_own(void)
{
    minicontain_namespace *host = new_net(), *net = new_net();
    minicontain_inside *inside = NULL;
    minicontain_link *veth0, *veth1;

    CHECK_OK(minicontain_namespace_enter(host, &inside));
    veth0 = cable(NULL, "veth0", NULL, "veth1");
    veth1 = link_of(NULL, "veth1");
    CHECK_OK(minicontain_link_move_to(veth1, net));
    CHECK(has_links(NULL, 2) && has_links(net, 2));
    CHECK_OK(minicontain_link_move_to(veth1, NULL));
    CHECK(has_links(NULL, 3) && has_links(net, 1));
    CHECK_OK(minicontain_inside_leave(inside));
    /* A handle stays where its link is. */
    CHECK(has_links(host, 3));
    delete(veth0);
    CHECK(has_links(host, 1));
    minicontain_link_free(veth1);
    minicontain_inside_free(inside);
    minicontain_namespace_free(host);
    minicontain_namespace_free(net);
}

enum { THREADS = 8, TIMES = 25 };

static void *add_and_remove(void *link)
{
    int i;
    for (i = 0; i < TIMES; i++) {
        minicontain_link_state *state = state_of(link);
        CHECK_STRING(minicontain_link_state_name(state), "br0");
        minicontain_link_state_free(state);
        CHECK_OK(minicontain_link_up(link));
    }
    return NULL;
}

static void many_threads_share_a_handle(void)
{
    minicontain_namespace *net = new_net();
    minicontain_link *bridge = NULL;
    pthread_t threads[THREADS];
    size_t i;

    CHECK_OK(minicontain_link_create_bridge(net, "br0", &bridge));
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, add_and_remove, bridge) == 0);
    for (i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
    delete(bridge);
    minicontain_namespace_free(net);
}

int main(void)
{
    struct belongings before;
    bool root = geteuid() == 0;

    warm_up();
    before = belongings();
    if (!root)
        owner = make("user", NULL);
    a_new_network_has_a_loopback_that_is_down();
    two_networks_talk_through_a_cable();
    a_link_is_changed_and_moves();
    links_of_every_kind();
    routes_come_and_go();
    a_rate_is_limited();
    what_cannot_be_is_told();
    many_threads_share_a_handle();
    if (root)
        a_network_is_the_threads_own();
    else
        who_lacks_the_privilege_is_told_which();
    minicontain_namespace_free(owner);
    settle(before);
    check_nothing_left(__FILE__, before);
    return check_result();
}
