//! Files: how their columns are chosen, what is wrong with them, and what is no file of statements at all.

use super::{
    HEADER, NEW, bring, bring_as, check, check_with, checked, cost, count, deliveries, file, form, loaded, press,
    publish, rows, send, trail,
};
use crate::{console::roster::chosen, portal::says};
use access::Role;
use statements::{Kind, runs};
use testkit::TestApp;

#[tokio::test]
async fn which_header_means_which_column_is_chosen_once_for_each_kind_and_kept() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let named = file(&rows("2026-08", 3, 0)).replace("医療費の総額", "総点数（円）");
    let run = bring(&clerk, &named).await;
    let place = |fields: &[(String, String)], column: usize| fields[column].1.clone();
    let fields = chosen(&clerk.get(&run).await.text);
    // 医療費の総額 is the twelfth of the format, and the ninth of the file.
    assert_eq!((place(&fields, 0), place(&fields, 11)), ("0".into(), String::new()));
    says(&check_with(&clerk, &run, &[]).await, 422, "列の対応を確かめてください");
    let twice = [("c11", "8"), ("c12", "8")];
    says(
        &check_with(&clerk, &run, &twice).await,
        422,
        "列の対応を確かめてください",
    );
    assert_eq!(check_with(&clerk, &run, &[("c11", "8")]).await.status, 303);
    app.work().await;
    says(&clerk.get(&run).await, 200, "3,000円");
    app.later(1);
    let next = bring(&clerk, &named).await;
    assert_eq!(
        place(&chosen(&clerk.get(&next).await.text), 11),
        "8",
        "the next file is read so too"
    );
    // The draft of before made way; one of the other kind does not.
    assert_eq!(clerk.get(&run).await.status, 404);
    app.later(1);
    let medicines = bring_as(
        &clerk,
        Kind::Medicines,
        "番号,調剤年月,総点数（円）\r\n105,202606,1\r\n",
    )
    .await;
    says(&clerk.get(&medicines).await, 200, "医薬品コード");
    says(&clerk.get(&next).await, 200, "列の対応");
    let kept = "kind = 'costs' AND field = '医療費の総額' AND header = '総点数（円）'";
    assert_eq!(app.insurer.count("statement_mappings", kept).await, 1);
    assert_eq!(count(&app, "statement_mappings").await, 1);
}

#[tokio::test]
async fn the_month_of_processing_is_typed_where_the_file_has_no_column_of_it() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let file = file(&rows("", 2, 0));
    let run = bring(&clerk, &file).await;
    check(&clerk, &run).await;
    app.work().await;
    says(&clerk.get(&run).await, 200, "処理年月がありません");
    app.later(1);
    let run = bring(&clerk, &file).await;
    let wrong = check_with(&clerk, &run, &[("label", "八月")]).await;
    says(&wrong, 422, "処理年月を確かめてください");
    assert!(wrong.text.contains("value=\"八月\""), "{}", wrong.text);
    assert_eq!(check_with(&clerk, &run, &[("label", "令和8年8月")]).await.status, 303);
    app.work().await;
    says(&clerk.get(&run).await, 200, "2026年8月処理分の内容");
}

// security.md 52
#[tokio::test]
async fn errors_are_shown_and_leave_as_a_file_for_whoever_may_take_people_along() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let mut wrong = rows("2026-08", 1, 0);
    for formula in ["=1+1", "@SUM(A1)"] {
        let row = cost("2026-08", formula.trim_start_matches(['=', '@']), 105, 1_000);
        wrong.push(row.replace("クリニック,1000", &format!("クリニック,{formula}")));
    }
    let run = checked(&app, &clerk, &file(&wrong)).await;
    let page = clerk.get(&run).await;
    for said in ["取り込めませんでした", "2件の誤りがあります", "3行目「医療費の総額」"] {
        says(&page, 200, said);
    }
    assert!(!page.text.contains("CSVを作る"), "{}", page.text);
    assert_eq!(app.insurer.count("uploads", "purpose = 'statements'").await, 0);
    assert!(deliveries(&app).await.is_empty(), "a check leaves no delivery");
    let path = format!("{run}/errors");
    assert_eq!(clerk.post(&path, &[("encoding", "utf8")]).await.status, 403);
    let both = app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    says(&both.get(&run).await, 200, "UTF-8のCSVを作る");
    let csv = both.post(&path, &[("encoding", "utf8")]).await;
    assert_eq!(csv.status, 200, "{}", csv.text);
    assert!(csv.header("content-disposition").contains("attachment"));
    assert_eq!(csv.text.lines().count(), 3, "{}", csv.text);
    for cell in csv
        .text
        .trim_start_matches('\u{FEFF}')
        .lines()
        .flat_map(|line| line.split(','))
    {
        assert!(
            !cell.trim_matches('"').starts_with(['=', '+', '-', '@', '\t']),
            "{cell}"
        );
    }
    assert_eq!(trail(&app).await, ["statements.bring done", "statements.errors done"]);
    app.later(601);
    let late = both.post(&path, &[("encoding", "utf8")]).await;
    assert!(late.location().starts_with("/console/prove"), "{}", late.location());
    // Alone, to export people's data does not open it either.
    let eligibility = app.clerk(&[Role::Eligibility]).await;
    assert_eq!(eligibility.post(&path, &[("encoding", "utf8")]).await.status, 403);
}

// security.md 74
#[tokio::test]
async fn what_stands_in_a_file_is_for_whoever_brought_it_and_for_whoever_sees_protected_people() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let colleague = app.clerk(&[Role::Benefits]).await;
    let both = app.clerk(&[Role::Benefits, Role::Eligibility]).await;
    let run = bring(&clerk, &file(&rows("2026-08", 1, 0))).await;
    for sees in [&clerk, &both] {
        says(&sees.get(&run).await, 200, "クリニック");
    }
    let page = colleague.get(&run).await;
    says(
        &page,
        200,
        "読み込んだ職員と、保護されている方を扱う資格担当だけに表示します",
    );
    assert!(!page.text.contains("クリニック"), "{}", page.text);
    let wrong = file(&rows("2026-08", 1, 0)).replace("クリニック,1000", "クリニック,千と一円");
    let run = checked(&app, &clerk, &wrong).await;
    says(&clerk.get(&run).await, 200, "千と一円");
    let page = colleague.get(&run).await;
    says(&page, 200, "誤りは、読み込んだ職員と");
    assert!(!page.text.contains("千と一円"), "{}", page.text);
}

#[tokio::test]
async fn a_file_with_diagnoses_is_refused_before_anybody_sees_a_row_and_nothing_of_it_is_kept() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    for header in ["傷病名", "主病名", "診療行為", "個人番号"] {
        let with = format!("{HEADER},{header}\r\n{},かぜ\r\n", cost("2026-08", "A", 105, 1_000));
        let answer = send(&clerk, Kind::Costs, form(with.as_bytes())).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        says(&clerk.get(answer.location()).await, 200, "受け取れない列があります");
        assert_eq!(
            (count(&app, "uploads").await, count(&app, "statement_runs").await),
            (0, 0)
        );
    }
}

#[tokio::test]
async fn what_is_published_already_is_not_loaded_again() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let august = file(&rows("2026-08", 3, 0));
    loaded(&app, &clerk, &august).await;
    publish(&app, "2026-08").await;
    app.later(1);
    let run = checked(&app, &clerk, &august).await;
    says(
        &clerk.get(&run).await,
        200,
        "同じファイルを、第1版としてもう公開しています",
    );
    assert_eq!(deliveries(&app).await.len(), 1);
    assert_eq!(count(&app, "uploads").await, 0);
}

#[tokio::test]
async fn what_is_empty_broken_off_or_no_table_leaves_nothing() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let broken = form(file(&rows("2026-08", 1, 0)).as_bytes());
    let broken = broken[..broken.len() - 20].to_vec();
    for (body, said) in [
        (form(b""), "ファイルが選ばれていないか、空です"),
        (form(b"%PDF-1.7 "), "CSVかExcelのファイルとして読めませんでした"),
        (broken, "ファイルの送信が途中で終わりました"),
    ] {
        let answer = send(&clerk, Kind::Costs, body).await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        says(&clerk.get(answer.location()).await, 200, said);
        app.later(1);
    }
    assert_eq!(
        (count(&app, "uploads").await, count(&app, "statement_runs").await),
        (0, 0)
    );
    let mark = clerk.mark(NEW).await.unwrap();
    let request = clerk
        .request(reqwest::Method::POST, &format!("{NEW}/drugs?for={mark}"))
        .header("Sec-Fetch-Site", "same-origin")
        .header("Content-Type", "multipart/form-data; boundary=xyz")
        .body(form(b"a,b\r\n"));
    assert_eq!(clerk.send(request).await.status, 404);
}

#[tokio::test]
async fn a_file_larger_than_a_piece_comes_in_sealed_pieces_and_is_loaded() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let long = file(&rows("2026-08", 12_000, 0));
    assert!(long.len() > tabular::uploads::PIECE);
    let run = bring(&clerk, &long).await;
    assert_eq!(count(&app, "upload_pieces").await, 2);
    check(&clerk, &run).await;
    app.work().await;
    assert_eq!(press(&clerk, &run, "load").await.status, 303);
    app.work().await;
    assert_eq!(deliveries(&app).await, ["costs 2026-08 ready 12000 0"]);
    assert_eq!(
        (count(&app, "upload_pieces").await, count(&app, "cost_rows").await),
        (0, 12_000)
    );
}

#[tokio::test]
async fn a_blank_file_of_each_kind_has_the_headers_to_fill_in() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    let costs = clerk.get(&format!("{NEW}/costs/blank?encoding=utf8")).await.text;
    assert!(
        costs.starts_with("\u{FEFF}処理年月,レセプト番号,記号,番号,枝番,"),
        "{costs}"
    );
    let medicines = clerk.get(&format!("{NEW}/medicines/blank?encoding=utf8")).await.text;
    assert!(medicines.contains(",医薬品コード,"), "{medicines}");
    assert_eq!(clerk.get(&format!("{NEW}/drugs/blank")).await.status, 404);
}

// security.md 58
#[tokio::test]
async fn a_file_of_statements_that_nobody_went_on_with_is_forgotten_after_seven_days() {
    let app = TestApp::start().await;
    let clerk = app.clerk(&[Role::Benefits]).await;
    bring(&clerk, &file(&rows("2026-08", 1, 0))).await;
    app.later(7 * 86_400);
    let mut tx = app.write(app.tenant()).await;
    assert_eq!(runs::sweep(&mut tx, app.clock().now()).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(count(&app, "statement_runs").await, 0);
}
