/* Networks for containers, and those of CNI plugins: root's in a network namespace that plays the host, an ordinary
 * user's in namespaces of their own. */
#include "links.h"
#include <sys/stat.h>

static char name[32];
static char directory[] = "/tmp/minicontain-c-XXXXXX";

/* What CNI's plugins keep, and an ordinary user's state, need a place. */
static void make_directory(void)
{
    snprintf(name, sizeof name, "c%d", (int)getpid());
    CHECK(mkdtemp(directory) != NULL);
    CHECK(geteuid() == 0 || setenv("XDG_RUNTIME_DIR", directory, 1) == 0);
}

static void remove_directory(void)
{
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", directory);
    CHECK(system(command) == 0);
}

static minicontain_network_options *options_of(const char *subnet)
{
    minicontain_network_options *options = NULL;
    CHECK_OK(minicontain_network_options_new(&options));
    CHECK_OK(minicontain_network_options_set_subnet(options, subnet));
    return options;
}

static minicontain_network *lab(void)
{
    minicontain_network_options *options = options_of("10.16.8.0/24");
    minicontain_network *network = NULL;
    CHECK_OK(minicontain_network_create(name, options, &network));
    minicontain_network_options_free(options);
    return network;
}

/* Whether it is among those that are listed. */
static bool is_listed(void)
{
    minicontain_strings *names = NULL;
    bool found;
    CHECK_OK(minicontain_networks(&names));
    found = is_among(names, name);
    minicontain_strings_free(names);
    return found;
}

static void a_network_is_made_found_and_removed(void)
{
    minicontain_network *network = lab(), *found = (minicontain_network *)&found;
    minicontain_namespace *own = of(0, "net");
    minicontain_link *bridge = NULL;
    char *text = NULL;

    CHECK_STRING(minicontain_network_name(network), name);
    CHECK_STRING(minicontain_network_subnet(network), "10.16.8.0/24");
    CHECK_STRING(minicontain_network_subnet6(network), "");
    CHECK_STRING(minicontain_network_gateway(network), "10.16.8.1");
    CHECK(minicontain_namespace_equal(minicontain_network_namespace(network), own) == (geteuid() == 0));
    CHECK_OK(minicontain_network_bridge(network, &bridge));
    CHECK(is_up(bridge));
    minicontain_link_free(bridge);
    CHECK_OK(minicontain_network_describe(network, &text));
    CHECK_CONTAINS(text, "\"10.16.8.1/24\"");
    minicontain_string_free(text);

    CHECK_ERROR(minicontain_network_create(name, NULL, &found), MINICONTAIN_CODE_NAME_TAKEN);
    CHECK(found == NULL && is_listed());
    CHECK_OK(minicontain_network_open(name, &found));
    CHECK_STRING(minicontain_network_gateway(found), "10.16.8.1");
    CHECK_OK(minicontain_network_remove(found));
    minicontain_network_free(found);
    minicontain_network_free(network);
    CHECK(!is_listed());
    CHECK_ERROR(minicontain_network_open(name, &found), MINICONTAIN_CODE_NETWORK_NOT_FOUND);
    minicontain_namespace_free(own);
}

static void options_are_used(void)
{
    minicontain_network_options *options = options_of("10.16.9.254/24");
    minicontain_network *network = NULL;
    minicontain_link *bridge = NULL;
    minicontain_link_state *state;
    minicontain_error *error;

    CHECK_OK(minicontain_network_options_set_subnet6(options, "fd00:16:9::/64"));
    CHECK_OK(minicontain_network_options_set_mtu(options, 1400));
    CHECK_OK(minicontain_network_options_add_dns(options, "10.16.9.253"));
    CHECK_OK(minicontain_network_options_set_persistent(options, false));
    CHECK_OK(minicontain_network_options_set_resolver(options, true));
    CHECK_ERROR(minicontain_network_options_add_dns(options, "dns"), MINICONTAIN_CODE_INVALID_SPEC);
    CHECK_OK(minicontain_network_create(name, options, &network));
    CHECK_STRING(minicontain_network_subnet(network), "10.16.9.0/24");
    CHECK_STRING(minicontain_network_subnet6(network), "fd00:16:9::/64");
    CHECK_STRING(minicontain_network_gateway(network), "10.16.9.254");
    CHECK_OK(minicontain_network_bridge(network, &bridge));
    state = state_of(bridge);
    CHECK(minicontain_link_state_mtu(state) == 1400);
    minicontain_link_state_free(state);
    minicontain_link_free(bridge);
    CHECK_OK(minicontain_network_remove(network));
    minicontain_network_free(network);

    CHECK_OK(minicontain_network_options_set_mtu(options, 5));
    error = minicontain_network_create(name, options, &network);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "mtu");
    minicontain_error_free(error);
    CHECK_OK(minicontain_network_options_set_mtu(options, 0));
    CHECK_OK(minicontain_network_options_add_dns(options, "127.0.0.11"));
    error = minicontain_network_create(name, options, &network);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "dns");
    minicontain_error_free(error);
    CHECK_OK(minicontain_network_options_set_resolver(options, false));
    CHECK_OK(minicontain_network_options_set_nat(options, true, false));
    /* A new network forwards nothing. That of an ordinary user is told to, since it is nobody else's. */
    if (geteuid() == 0)
        CHECK_ERROR(minicontain_network_create(name, options, &network), MINICONTAIN_CODE_FORWARDING_OFF);
    CHECK_ERROR(minicontain_network_create("host", NULL, &network), MINICONTAIN_CODE_INVALID_SPEC);
    minicontain_network_options_free(options);
}

static void containers_meet_on_it(void)
{
    static const char *const aliases[] = {"db", "database"};
    minicontain_network *network = lab();
    minicontain_container *server = NULL;
    minicontain_strings *names = NULL;
    minicontain_spec *spec = shell("exec sleep 60");
    char *json;

    CHECK_OK(minicontain_spec_set_hostname(spec, "server"));
    CHECK_OK(minicontain_spec_add_network(spec, name, "10.16.8.5", aliases, 2));
    json = minicontain_spec_to_json(spec);
    CHECK_CONTAINS(json, "\"ip\":\"10.16.8.5\",\"aliases\":[\"db\",\"database\"]");
    minicontain_string_free(json);
    CHECK_OK(minicontain_container_start(spec, &server));
    minicontain_spec_free(spec);
    CHECK_OK(minicontain_network_names(network, &names));
    CHECK(is_among(names, "10.16.8.5 server") && is_among(names, "10.16.8.5 db"));
    CHECK(is_among(names, "10.16.8.5 database"));
    minicontain_strings_free(names);

    spec = shell("getent ahostsv4 db | head -1 | cut -d' ' -f1; cat /proc/net/route | grep -c ^eth0");
    CHECK_OK(minicontain_spec_add_network(spec, name, NULL, NULL, 0));
    CHECK_PRINTS(spec, "10.16.8.5\n2\n");
    CHECK_ERROR(minicontain_network_remove(network), MINICONTAIN_CODE_STILL_RUNS);
    CHECK_OK(minicontain_container_kill(server));
    minicontain_container_free(server);
    CHECK_OK(minicontain_network_names(network, &names));
    CHECK(!is_among(names, "10.16.8.5 server"));
    minicontain_strings_free(names);
    CHECK_OK(minicontain_network_remove(network));
    minicontain_network_free(network);
}

/* Rules need nft(8) and what the kernel has for it. */
static void a_port_is_published(void)
{
    minicontain_network *network = lab();
    minicontain_container *server = NULL, *other = NULL;
    minicontain_spec *spec = shell("exec sleep 60");
    minicontain_link *lo = link_of(NULL, "lo");
    char *rules = NULL;

    CHECK_OK(minicontain_link_up(lo));
    minicontain_link_free(lo);
    CHECK_OK(minicontain_spec_add_network(spec, name, NULL, NULL, 0));
    CHECK_OK(minicontain_spec_publish(spec, "8080:80/tcp"));
    CHECK_OK(minicontain_container_start(spec, &server));
    CHECK_OK(minicontain_network_rules(network, &rules));
    CHECK_CONTAINS(rules, "tcp . 8080 : 10.16.8.2 . 80");
    minicontain_string_free(rules);
    CHECK_ERROR(minicontain_container_start(spec, &other), MINICONTAIN_CODE_ADDRESS_IN_USE);
    CHECK(other == NULL);
    minicontain_spec_free(spec);
    CHECK_OK(minicontain_container_kill(server));
    minicontain_container_free(server);
    CHECK_OK(minicontain_network_remove(network));
    CHECK_ERROR(minicontain_network_rules(network, &rules), MINICONTAIN_CODE_NETWORK_NOT_FOUND);
    CHECK(rules == NULL);
    minicontain_network_free(network);
    CHECK(has_links(NULL, 1));
}

static void what_cannot_be_is_told(void)
{
    minicontain_spec *spec = shell("true");
    minicontain_container *container = NULL;
    minicontain_network *network = (minicontain_network *)&network;
    minicontain_strings *names = (minicontain_strings *)&names;
    minicontain_error *error;
    char *text = (char *)&text;

    error = minicontain_spec_add_network(spec, "lab", "nowhere", NULL, 0);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "ip");
    minicontain_error_free(error);
    error = minicontain_spec_publish(spec, "80:eighty");
    CHECK_STRING(minicontain_error_fault_field(error, 0), "publish");
    CHECK_CONTAINS(minicontain_error_hint(error), "[ADDRESS:]HOST:CONTAINER[/udp]");
    minicontain_error_free(error);
    CHECK_OK(minicontain_spec_validate(spec));
    CHECK_OK(minicontain_spec_publish(spec, "8080:80"));
    error = minicontain_spec_validate(spec);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "publish");
    minicontain_error_free(error);
    CHECK_OK(minicontain_spec_add_network(spec, "nowhere", NULL, NULL, 0));
    CHECK_ERROR(minicontain_container_start(spec, &container), MINICONTAIN_CODE_NETWORK_NOT_FOUND);
    minicontain_spec_free(spec);

    CHECK_ERROR(minicontain_network_open(NULL, &network), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(network == NULL);
    CHECK_ERROR(minicontain_network_create("lab", NULL, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_network_remove(NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_network_names(NULL, &names), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(names == NULL);
    CHECK_ERROR(minicontain_network_rules(NULL, &text), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(text == NULL);
    CHECK_ERROR(minicontain_network_options_set_mtu(NULL, 1), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_spec_publish(NULL, "80"), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_ERROR(minicontain_cni_delete(NULL, "box", NULL, NULL), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK_STRING(minicontain_network_name(NULL), "");
    CHECK_STRING(minicontain_cni_name(NULL), "");
    CHECK(minicontain_network_namespace(NULL) == NULL);
    minicontain_network_free(NULL);
    minicontain_network_options_free(NULL);
    minicontain_cni_free(NULL);
}

/* CNI */

static void what_is_no_configuration_is_told(void)
{
    minicontain_cni *cni = (minicontain_cni *)&cni;
    minicontain_error *error = minicontain_cni_from_json("{\"cniVersion\": \"1.0.0\", \"name\": \"lab\"}", &cni);

    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_INVALID_SPEC && cni == NULL);
    CHECK_CONTAINS(minicontain_error_message(error), "plugins: it is missing");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_cni_load("/no/such.conflist", &cni), MINICONTAIN_CODE_SOURCE_NOT_FOUND);
    CHECK_ERROR(minicontain_cni_load("/dev/null", &cni), MINICONTAIN_CODE_INVALID_SPEC);
}

/* What a plugin of its own is told and says: nobody needs root for that. */
static void a_plugin_is_asked(void)
{
    static const char script[] =
        "#!/bin/sh\n"
        "input=$(cat)\n"
        "case $CNI_COMMAND:$CNI_CONTAINERID:$CNI_IFNAME:$input in\n"
        "ADD:box:net1:*hostPort*8080*) echo '{\"cniVersion\": \"1.0.0\", \"ips\": [{\"address\": \"10.9.8.7/24\"}]}' ;;\n"
        "CHECK:box:net1:*10.9.8.7*|DEL:box:net1:*) ;;\n"
        "*) echo '{\"cniVersion\": \"1.0.0\", \"code\": 7, \"msg\": \"not so\"}'; exit 1 ;;\n"
        "esac\n";
    char path[64], config[200], *result = NULL;
    minicontain_namespace *net = owner == NULL ? of(0, "net") : new_net();
    minicontain_cni *cni = NULL;
    minicontain_error *error;
    FILE *file;

    snprintf(path, sizeof path, "%s/plugin", directory);
    file = fopen(path, "we");
    CHECK(file != NULL && fputs(script, file) >= 0 && fclose(file) == 0 && chmod(path, 0755) == 0);
    CHECK(setenv("CNI_PATH", directory, 1) == 0);
    snprintf(config, sizeof config,
             "{\"cniVersion\": \"1.0.0\", \"name\": \"%s\", \"plugins\": [{\"type\": \"plugin\", "
             "\"capabilities\": {\"portMappings\": true}}]}",
             name);
    CHECK_OK(minicontain_cni_from_json(config, &cni));
    CHECK_STRING(minicontain_cni_name(cni), name);
    error = minicontain_cni_add(cni, "box", net, "net1", NULL, &result);
    CHECK(minicontain_error_code(error) == MINICONTAIN_CODE_CNI_FAILED && result == NULL);
    CHECK_CONTAINS(minicontain_error_message(error), "not so");
    minicontain_error_free(error);
    CHECK_ERROR(minicontain_cni_check(cni, "box", net, "net1"), MINICONTAIN_CODE_CNI_FAILED);
    error = minicontain_cni_add(cni, "box", net, "net1", "[]", &result);
    CHECK_STRING(minicontain_error_fault_field(error, 0), "capabilities");
    minicontain_error_free(error);
    CHECK_OK(minicontain_cni_add(cni, "box", net, "net1", "{\"portMappings\": [{\"hostPort\": 8080}]}", &result));
    CHECK_CONTAINS(result, "\"10.9.8.7/24\"");
    minicontain_string_free(result);
    CHECK_OK(minicontain_cni_check(cni, "box", net, "net1"));
    CHECK_OK(minicontain_cni_delete(cni, "box", net, "net1"));
    CHECK_OK(minicontain_cni_delete(cni, "box", NULL, "net1"));
    CHECK_ERROR(minicontain_cni_check(cni, "box", NULL, "net1"), MINICONTAIN_FACE_CODE_NULL_ARGUMENT);
    CHECK(unsetenv("CNI_PATH") == 0);
    minicontain_cni_free(cni);
    minicontain_namespace_free(net);
}

static bool has_plugin(const char *plugin)
{
    char here[64], there[64];
    snprintf(here, sizeof here, "/usr/lib/cni/%s", plugin);
    snprintf(there, sizeof there, "/opt/cni/bin/%s", plugin);
    return access(here, X_OK) == 0 || access(there, X_OK) == 0;
}

static void the_real_bridge_attaches(void)
{
    minicontain_namespace *net = new_net();
    minicontain_cni *cni = NULL;
    minicontain_link *eth0;
    minicontain_strings *addresses = NULL;
    minicontain_spec *spec;
    char config[400], path[64], *result = NULL;
    FILE *file;

    snprintf(config, sizeof config,
             "{\"cniVersion\": \"1.0.0\", \"name\": \"%s\", \"plugins\": [{\"type\": \"bridge\", \"bridge\": \"cni0\", "
             "\"isGateway\": true, \"ipam\": {\"type\": \"host-local\", \"subnet\": \"10.77.0.0/24\", "
             "\"dataDir\": \"%s/ipam\"}}]}",
             name, directory);
    snprintf(path, sizeof path, "%s/lab.conflist", directory);
    file = fopen(path, "we");
    CHECK(file != NULL && fputs(config, file) >= 0 && fclose(file) == 0);
    CHECK_OK(minicontain_cni_load(path, &cni));
    CHECK_OK(minicontain_cni_add(cni, name, net, NULL, NULL, &result));
    CHECK_CONTAINS(result, "\"10.77.0.2/24\"");
    minicontain_string_free(result);
    eth0 = link_of(net, "eth0");
    CHECK_OK(minicontain_link_addresses(eth0, &addresses));
    CHECK(is_up(eth0) && is_among(addresses, "10.77.0.2/24"));
    minicontain_strings_free(addresses);
    minicontain_link_free(eth0);
    CHECK_OK(minicontain_cni_check(cni, name, net, NULL));
    CHECK_ERROR(minicontain_cni_add(cni, name, net, NULL, NULL, &result), MINICONTAIN_CODE_NAME_TAKEN);
    CHECK_OK(minicontain_cni_delete(cni, name, net, NULL));
    CHECK(has_links(net, 1));
    minicontain_cni_free(cni);

    /* A container is put on it by the path. */
    spec = shell("ip -4 -o address show eth0 | grep -o '10.77.0.[0-9]*/24'");
    CHECK_OK(minicontain_spec_add_network(spec, path, NULL, NULL, 0));
    CHECK_PRINTS(spec, "10.77.0.3/24\n");
    minicontain_namespace_free(net);
}

int main(void)
{
    struct belongings before;
    minicontain_namespace *host = NULL;
    minicontain_inside *inside = NULL;
    bool root = geteuid() == 0;

    make_directory();
    warm_up();
    if (root) {
        host = new_net();
        CHECK_OK(minicontain_namespace_enter(host, &inside));
    } else {
        owner = make("user", NULL);
    }
    before = belongings();
    a_network_is_made_found_and_removed();
    options_are_used();
    containers_meet_on_it();
    what_cannot_be_is_told();
    what_is_no_configuration_is_told();
    a_plugin_is_asked();
    if (root && system("nft list ruleset >/dev/null 2>&1") == 0)
        a_port_is_published();
    if (root && has_plugin("bridge") && has_plugin("host-local"))
        the_real_bridge_attaches();
    settle(before);
    check_nothing_left(__FILE__, before);
    CHECK_OK(root ? minicontain_inside_leave(inside) : NULL);
    minicontain_inside_free(inside);
    minicontain_namespace_free(host);
    minicontain_namespace_free(owner);
    remove_directory();
    return check_result();
}
