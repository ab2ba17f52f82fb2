//! The audit.

use super::*;

#[test]
fn events_count_without_gaps_and_read_back_as_they_were() {
    on_both(|store| async move {
        let ada = add_user(&store, "ada").await;
        let challenge = ChallengeId::new(&SystemRandom).unwrap();
        let event = AuditEvent::new(AuditKind::WrongCode)
            .user(&ada)
            .challenge(&challenge)
            .enrollment(Some(&enrollment_id()))
            .fact("left", 3);
        for second in 1..=3 {
            store.append(event.clone(), at(second)).await.unwrap();
        }
        let all = store.audit(0, 10).await.unwrap();
        assert_eq!(all.iter().map(|stored| stored.sequence).collect::<Vec<_>>(), [1, 2, 3, 4]);
        assert_eq!((&all[3].event, all[3].at), (&event, at(3)));
        let some = store.audit(1, 2).await.unwrap();
        assert_eq!(some.iter().map(|stored| stored.sequence).collect::<Vec<_>>(), [2, 3]);
        assert!(store.audit(u64::MAX, 10).await.unwrap().is_empty());
    });
}

#[test]
fn nobody_changes_the_audit_by_sql_either() {
    on_both(|store| async move {
        add_user(&store, "ada").await;
        add_user(&store, "bob").await;
        let attacks = [
            "UPDATE audit SET kind = 'wrong_code' WHERE sequence = 1",
            "DELETE FROM audit WHERE sequence = 1",
            "DELETE FROM audit",
            "INSERT OR REPLACE INTO audit (sequence, at, kind, facts) VALUES (1, 0, 'wrong_code', '{}')",
            "PRAGMA recursive_triggers = 0; REPLACE INTO audit (sequence, at, kind, facts) VALUES (2, 0, 'approved', '{}')",
            "INSERT INTO audit (sequence, at, kind, facts) VALUES (4, 0, 'wrong_code', '{}')",
            "INSERT INTO audit (at, kind, facts) SELECT 0, 'wrong_code', '{}' UNION ALL SELECT 0, 'wrong_code', 7",
        ];
        let before = kinds(&store).await;
        for attack in &attacks[..6] {
            let refused = raw(&store, attack).await.unwrap_err().to_string();
            assert!(refused.contains("the audit"), "{attack}: {refused}");
        }
        assert_eq!(kinds(&store).await, before);
        // One that is refused half-way leaves no gap.
        raw(&store, attacks[6]).await.unwrap_err();
        add_user(&store, "eve").await;
        let sequences = store.audit(0, 10).await.unwrap();
        assert_eq!(sequences.iter().map(|stored| stored.sequence).collect::<Vec<_>>(), [1, 2, 3]);
    });
}
